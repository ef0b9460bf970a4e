#pragma once
// Secrets: references to where they are kept, or AES-256-GCM ciphertext. Never an exception
// message, log line or result of these functions holds a secret, except what Open and ResolveSecret
// return.

#include <array>
#include <string>
#include <string_view>

namespace switchboard::core {

using SecretKey = std::array<unsigned char, 32>;

// What the settings switchboard.secrets_dir and switchboard.key_file say; empty when unset.
struct SecretSources {
  std::string secrets_dir;
  std::string key_file;
};

// A key file holds 32 raw bytes, or 64 hexadecimal digits, or the base64 of 32 bytes (white space
// around the two texts is ignored). Throws SB002.
SecretKey ReadKeyFile(const std::string& path);

// "enc:v1:" + base64(nonce | ciphertext | tag). `context` is authenticated but not stored: opening
// with another context fails, so a ciphertext cannot be moved to another account or name.
std::string Seal(const SecretKey& key, std::string_view plaintext, std::string_view context = {});

// Throws SB002 when the text was changed or belongs to another key or context.
std::string Open(const SecretKey& key, std::string_view sealed, std::string_view context = {});

bool IsSealed(std::string_view stored);

// Whether `stored` is a well-formed reference (env:NAME, file:NAME) or ciphertext, without
// resolving it.
bool IsSecretReference(std::string_view stored);

// env:NAME, file:NAME (below secrets_dir only: no absolute path, "..", or symbolic link leading
// out; one trailing newline dropped; at most 64 kB) or ciphertext. Throws SB002 naming the
// reference.
std::string ResolveSecret(std::string_view stored, const SecretSources& sources,
                          std::string_view context = {});

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
