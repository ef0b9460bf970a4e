#include "workers/core/uuid.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "workers/core/encoding.hpp"
#include "workers/core/random.hpp"

namespace switchboard::core {

namespace {

// A call of OpenSSL for each identifier would cost ten times the rest. The block belongs to one
// process: after fork() a child must not repeat its parent's numbers.
class RandomBlock {
 public:
  void Take(std::span<unsigned char> out) {
    const pid_t self = getpid();
    if (owner_ != self || used_ + out.size() > bytes_.size()) Refill(self);
    std::memcpy(out.data(), bytes_.data() + used_, out.size());
    used_ += out.size();
  }

 private:
  void Refill(pid_t self) {
    owner_ = 0;
    FillRandom(bytes_);
    used_ = 0;
    owner_ = self;
  }

  std::array<unsigned char, 4096> bytes_{};
  std::size_t used_ = 0;
  pid_t owner_ = 0;
};

void TakeRandom(std::span<unsigned char> out) {
  static thread_local RandomBlock block;
  block.Take(out);
}

void SetVersion(Uuid* uuid, unsigned version) {
  (*uuid)[6] = static_cast<unsigned char>(((*uuid)[6] & 0x0f) | (version << 4));
  (*uuid)[8] = static_cast<unsigned char>(((*uuid)[8] & 0x3f) | 0x80);
}

// Milliseconds in the upper 48 bits of a 60-bit number, their fraction in the lower 12.
std::uint64_t Ticks(std::chrono::sys_time<std::chrono::nanoseconds> now) {
  constexpr std::int64_t kNanosPerMilli = 1'000'000;
  const std::int64_t nanos = std::max<std::int64_t>(0, now.time_since_epoch().count());
  const std::uint64_t fraction = static_cast<std::uint64_t>(nanos % kNanosPerMilli) * 4096 /
                                 static_cast<std::uint64_t>(kNanosPerMilli);
  return (static_cast<std::uint64_t>(nanos / kNanosPerMilli) << 12) | fraction;
}

}  // namespace

Uuid UuidV7(std::chrono::sys_time<std::chrono::nanoseconds> now) {
  static thread_local std::uint64_t last = 0;
  last = std::max(last + 1, Ticks(now));
  Uuid uuid;
  TakeRandom(std::span(uuid).subspan(8));
  const std::uint64_t millis = last >> 12;
  for (int i = 0; i < 6; ++i) {
    uuid[static_cast<std::size_t>(i)] = static_cast<unsigned char>(millis >> (40 - 8 * i));
  }
  uuid[6] = static_cast<unsigned char>((last >> 8) & 0x0f);
  uuid[7] = static_cast<unsigned char>(last);
  SetVersion(&uuid, 7);
  return uuid;
}

Uuid UuidV4() {
  Uuid uuid;
  TakeRandom(uuid);
  SetVersion(&uuid, 4);
  return uuid;
}

std::string FormatUuid(const Uuid& uuid) {
  std::string text = HexEncode({reinterpret_cast<const char*>(uuid.data()), uuid.size()});
  for (const std::size_t at : {8u, 13u, 18u, 23u}) text.insert(at, 1, '-');
  return text;
}

std::optional<Uuid> ParseUuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen != (text[i] == '-')) return std::nullopt;
    if (!hyphen) digits.push_back(text[i]);
  }
  const auto bytes = HexDecode(digits);
  if (!bytes) return std::nullopt;
  Uuid uuid;
  std::memcpy(uuid.data(), bytes->data(), uuid.size());
  return uuid;
}

}  // namespace switchboard::core
