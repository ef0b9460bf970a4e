#include "workers/engine/fault.hpp"

#ifdef SB_FAULTS

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
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

struct Order {
  char name[64] = {};
  int hit = 0;
  int victim = 0;
};

bool ReadOrder(const char* path, Order& order) {
  FILE* const file = std::fopen(path, "r");
  if (file == nullptr) return false;
  const int fields = std::fscanf(file, "%63s %d %d", order.name, &order.hit, &order.victim);
  std::fclose(file);
  return fields == 3;
}

// The file is removed first: what is killed may be this process, and its successor must live. Of
// several workers only the one that removes it kills.
void ObeyFile(const char* name) {
  static int hits = 0;
  const char* const path = std::getenv("SB_FAULT_FILE");
  Order order;
  if (path == nullptr || !ReadOrder(path, order)) {
    hits = 0;
    return;
  }
  if (std::strcmp(name, order.name) != 0 || ++hits < order.hit || unlink(path) != 0) return;
  hits = 0;
  kill(order.victim == 0 ? getpid() : order.victim, SIGKILL);
}

}  // namespace

void HitFault(const char* name) noexcept {
  static Wanted wanted = ReadWanted();
  if (wanted.name == name && --wanted.hits_left == 0) kill(getpid(), SIGKILL);
  ObeyFile(name);
}

}  // namespace switchboard::engine

#endif
