#pragma once
// Turns the stored form of a secret (reference or ciphertext) into its value.

#include <string>
#include <string_view>

namespace switchboard::engine {

class SecretSource {
 public:
  virtual ~SecretSource() = default;
  // Throws core::Error whose message names the reference, never the value.
  virtual std::string Resolve(std::string_view account_id, std::string_view name,
                              std::string_view stored) = 0;
};

}  // namespace switchboard::engine

#include "workers/core/no_server_header.hpp"
