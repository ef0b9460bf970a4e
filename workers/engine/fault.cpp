#include "workers/engine/fault.hpp"

#ifdef SB_FAULTS

#include <csignal>
#include <cstdlib>
#include <string_view>

#include <unistd.h>

namespace switchboard::engine {
namespace {

struct Wanted {
  std::string_view name;
  long hits_left = 0;
};

Wanted ReadWanted() {
  const char* value = std::getenv("SB_FAULT");
  if (value == nullptr) return {};
  const std::string_view text(value);
  const std::size_t colon = text.find(':');
  const long hits = colon == text.npos ? 1 : std::atol(value + colon + 1);
  return {text.substr(0, colon), hits};
}

}  // namespace

void HitFault(const char* name) noexcept {
  static Wanted wanted = ReadWanted();
  if (wanted.name == name && --wanted.hits_left == 0) kill(getpid(), SIGKILL);
}

}  // namespace switchboard::engine

#endif
