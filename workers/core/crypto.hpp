#pragma once
// Digests, signatures and comparison, by OpenSSL. Digests are raw bytes.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct evp_pkey_st;  // EVP_PKEY of OpenSSL

namespace switchboard::core {

enum class HashKind { kMd5, kSha1, kSha256, kSha512 };

std::string Hash(HashKind kind, std::string_view data);
std::string Hmac(HashKind kind, std::string_view key, std::string_view data);

// RSASSA-PKCS1-v1_5 with SHA-256 (the RS256 of JWTs) by a private key in PEM; about 1 ms with 2048
// bits. Nothing when the text is no such key.
std::optional<std::string> SignRs256(std::string_view private_key_pem, std::string_view data);

class RsaPublicKey {
 public:
  // Modulus and exponent, big-endian; nothing when they cannot be a key.
  static std::optional<RsaPublicKey> FromNumbers(std::string_view modulus,
                                                 std::string_view exponent);

  std::size_t bits() const;
  // RSASSA-PKCS1-v1_5 with SHA-256; about 30 us with 2048 bits.
  bool VerifiesRs256(std::string_view data, std::string_view signature) const;

 private:
  struct FreeKey {
    void operator()(evp_pkey_st* key) const;
  };
  explicit RsaPublicKey(evp_pkey_st* key) : key_(key) {}

  std::unique_ptr<evp_pkey_st, FreeKey> key_;
};

// Time depends on the lengths only.
bool ConstantTimeEqual(std::string_view a, std::string_view b);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
