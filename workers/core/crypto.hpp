#pragma once
// Digests, signatures and comparison, by OpenSSL. Digests are raw bytes.

#include <optional>
#include <string>
#include <string_view>

namespace switchboard::core {

enum class HashKind { kMd5, kSha1, kSha256, kSha512 };

std::string Hash(HashKind kind, std::string_view data);
std::string Hmac(HashKind kind, std::string_view key, std::string_view data);

// RSASSA-PKCS1-v1_5 with SHA-256 (the RS256 of JWTs) by a private key in PEM; about 1 ms with 2048
// bits. Nothing when the text is no such key.
std::optional<std::string> SignRs256(std::string_view private_key_pem, std::string_view data);

// Time depends on the lengths only.
bool ConstantTimeEqual(std::string_view a, std::string_view b);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
