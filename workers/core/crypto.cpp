#include "workers/core/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

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
  if (!ok) throw MissingComponent("the hash is not available in this build of OpenSSL");
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

bool ConstantTimeEqual(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace switchboard::core
