#include "workers/core/crypto.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <memory>

#include "workers/core/errors.hpp"

namespace switchboard::core {

namespace {

const EVP_MD* Digest(HashKind kind) {
  switch (kind) {
    case HashKind::kMd5:
      return EVP_md5();
    case HashKind::kSha1:
      return EVP_sha1();
    case HashKind::kSha256:
      return EVP_sha256();
    case HashKind::kSha512:
      return EVP_sha512();
  }
  throw Error(sqlstate::kInternal, "unknown hash");
}

std::string Bytes(const unsigned char* data, unsigned size) {
  return {reinterpret_cast<const char*>(data), size};
}

// A policy such as FIPS may forbid MD5 and SHA-1: that must not look like a bad signature.
void RequireSuccess(bool ok) {
  if (!ok) throw MissingComponent("the digest is not available in this build of OpenSSL");
}

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Free<BN_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;

// A key under a passphrase is none: without this, OpenSSL would ask for it on the terminal.
int NoPassphrase(char*, int, int, void*) { return 0; }

Key ReadRsaKey(std::string_view pem) {
  const Bio text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Key key(text ? PEM_read_bio_PrivateKey(text.get(), nullptr, NoPassphrase, nullptr) : nullptr);
  ERR_clear_error();  // text that is no key leaves errors behind
  if (key && EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) key.reset();
  return key;
}

const unsigned char* Data(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Number ReadNumber(std::string_view big_endian) {
  return Number(BN_bin2bn(Data(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

EVP_PKEY* MakeRsaKey(OSSL_PARAM* params) {
  EVP_PKEY* key = nullptr;
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  if (context && EVP_PKEY_fromdata_init(context.get()) == 1) {
    EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params);
  }
  ERR_clear_error();
  return key;
}

// An even exponent or 1 makes no key; a large one only makes checking slow.
bool IsExponent(const BIGNUM* exponent) {
  return BN_is_odd(exponent) && !BN_is_one(exponent) && BN_num_bits(exponent) <= 64;
}

}  // namespace

std::string Hash(HashKind kind, std::string_view data) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  RequireSuccess(EVP_Digest(data.data(), data.size(), out, &size, Digest(kind), nullptr) == 1);
  return Bytes(out, size);
}

std::string Hmac(HashKind kind, std::string_view key, std::string_view data) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  RequireSuccess(HMAC(Digest(kind), key.data(), static_cast<int>(key.size()),
                      reinterpret_cast<const unsigned char*>(data.data()), data.size(), out,
                      &size) != nullptr);
  return Bytes(out, size);
}

std::optional<std::string> SignRs256(std::string_view private_key_pem, std::string_view data) {
  const Key key = ReadRsaKey(private_key_pem);
  if (!key) return std::nullopt;
  const DigestContext context(EVP_MD_CTX_new());
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())), '\0');
  std::size_t size = signature.size();
  RequireSuccess(
      context &&
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     reinterpret_cast<const unsigned char*>(data.data()), data.size()) == 1);
  signature.resize(size);
  return signature;
}

std::optional<RsaPublicKey> RsaPublicKey::FromNumbers(std::string_view modulus,
                                                      std::string_view exponent) {
  constexpr std::size_t kMostBytes = 4096;
  if (modulus.size() > kMostBytes || exponent.size() > kMostBytes) return std::nullopt;
  const Number n = ReadNumber(modulus);
  const Number e = ReadNumber(exponent);
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!n || !e || !builder || !BN_is_odd(n.get()) || !IsExponent(e.get()) ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return std::nullopt;
  }
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  EVP_PKEY* const key = params ? MakeRsaKey(params.get()) : nullptr;
  if (key == nullptr) return std::nullopt;
  return RsaPublicKey(key);
}

std::size_t RsaPublicKey::bits() const {
  return static_cast<std::size_t>(EVP_PKEY_get_bits(key_.get()));
}

bool RsaPublicKey::VerifiesRs256(std::string_view data, std::string_view signature) const {
  const DigestContext context(EVP_MD_CTX_new());
  RequireSuccess(context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr,
                                                 key_.get()) == 1);
  const bool good = EVP_DigestVerify(context.get(), Data(signature), signature.size(), Data(data),
                                     data.size()) == 1;
  ERR_clear_error();  // a wrong signature leaves errors behind
  return good;
}

void RsaPublicKey::FreeKey::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

bool ConstantTimeEqual(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace switchboard::core
