// A pair of RSA keys made for this run: none lies in the repository.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <string>

namespace switchboard::test {

struct RsaPair {
  std::string private_pem;  // PKCS#8
  std::string public_pem;
};

inline const RsaPair& TestRsaPair() {
  static const RsaPair pair = [] {
    EVP_PKEY* key = EVP_RSA_gen(2048);
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
    EVP_PKEY_free(key);
    return made;
  }();
  return pair;
}

}  // namespace switchboard::test
