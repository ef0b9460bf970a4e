#include "workers/daemon/cached_secrets.hpp"

#include <utility>

namespace switchboard::daemon {

CachedSecrets::CachedSecrets(core::SecretSources sources, const engine::Clock& clock)
    : sources_(std::move(sources)), clock_(clock) {}

std::string CachedSecrets::Resolve(std::string_view account_id, std::string_view name,
                                   std::string_view stored) {
  const engine::TimePoint now = clock_.Now();
  if (now >= next_sweep_) {
    std::erase_if(entries_, [now](const auto& entry) { return now >= entry.second.until; });
    next_sweep_ = now + kKeep;
  }
  // A ciphertext is bound to its account and name (see set_provider_secret).
  const std::string context = std::string(account_id) + "/" + std::string(name);
  const std::string key = context + "\n" + std::string(stored);
  const auto found = entries_.find(key);
  if (found != entries_.end() && now < found->second.until) return found->second.value;
  std::string value = core::ResolveSecret(stored, sources_, context);
  entries_[key] = {value, now + kKeep};
  return value;
}

}  // namespace switchboard::daemon
