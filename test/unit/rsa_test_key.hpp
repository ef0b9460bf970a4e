// A pair of RSA keys made for this run: none lies in the repository.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <string>

namespace switchboard::test {

struct RsaPair {
  std::string private_pem;  // PKCS#8
  std::string public_pem;
  std::string modulus;  // big-endian
  std::string exponent;
};

inline std::string RsaNumber(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  BN_free(number);
  return bytes;
}

inline RsaPair MakeRsaPair(unsigned bits) {
  EVP_PKEY* key = EVP_RSA_gen(bits);
  const auto text = [](auto write) {
    BIO* bio = BIO_new(BIO_s_mem());
    write(bio);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string pem(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return pem;
  };
  RsaPair made;
  made.private_pem = text([key](BIO* bio) {
    PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
  made.public_pem = text([key](BIO* bio) { PEM_write_bio_PUBKEY(bio, key); });
  made.modulus = RsaNumber(key, OSSL_PKEY_PARAM_RSA_N);
  made.exponent = RsaNumber(key, OSSL_PKEY_PARAM_RSA_E);
  EVP_PKEY_free(key);
  return made;
}

inline const RsaPair& TestRsaPair() {
  static const RsaPair pair = MakeRsaPair(2048);
  return pair;
}

}  // namespace switchboard::test
