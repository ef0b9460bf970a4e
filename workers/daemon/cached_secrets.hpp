#pragma once
// Secrets as accounts need them, kept for a few seconds: an account comes with every batch of its
// jobs, and a file that is rotated must be noticed all the same.

#include <string>
#include <string_view>
#include <unordered_map>

#include "workers/core/secret_box.hpp"
#include "workers/engine/clock.hpp"
#include "workers/engine/secret_source.hpp"

namespace switchboard::daemon {

class CachedSecrets final : public engine::SecretSource {
 public:
  static constexpr std::chrono::seconds kKeep{10};

  CachedSecrets(core::SecretSources sources, const engine::Clock& clock);

  std::string Resolve(std::string_view account_id, std::string_view name,
                      std::string_view stored) override;

 private:
  struct Entry {
    std::string value;
    engine::TimePoint until;
  };

  core::SecretSources sources_;
  const engine::Clock& clock_;
  std::unordered_map<std::string, Entry> entries_;
  engine::TimePoint next_sweep_{};
};

}  // namespace switchboard::daemon

#include "workers/core/no_server_header.hpp"
