#pragma once
// Digests and comparison, by OpenSSL. Digests are raw bytes.

#include <string>
#include <string_view>

namespace switchboard::core {

enum class HashKind { kMd5, kSha1, kSha256, kSha512 };

std::string Hash(HashKind kind, std::string_view data);
std::string Hmac(HashKind kind, std::string_view key, std::string_view data);

// Time depends on the lengths only.
bool ConstantTimeEqual(std::string_view a, std::string_view b);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
