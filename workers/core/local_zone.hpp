#pragma once
// A time zone as a sequence of stretches of constant offset, from the system's tz database.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace switchboard::core {

// Seconds since 1970-01-01 00:00:00 UTC.
using UnixSeconds = std::int64_t;

class LocalZone {
 public:
  // What holds at an instant, until `end` (exclusive).
  struct Stretch {
    UnixSeconds end;
    std::int64_t offset;  // local time minus UTC, seconds
  };

  // The zone of an IANA name, matched without regard to case; null when there is none. It lives as
  // long as the thread. The name asked for last costs a comparison, another known one a hash
  // look-up. Throws SB010 when the system has no tz database.
  static const LocalZone* Find(std::string_view name);

  ~LocalZone();
  LocalZone(const LocalZone&) = delete;
  LocalZone& operator=(const LocalZone&) = delete;

  // About 50 ns; about 1 us beyond the years that the compiled zone lists one by one (2037 as a
  // rule).
  Stretch At(UnixSeconds instant) const;

  // What people there call the time of that instant: EST, CEST; +0545 where it has no name.
  std::string AbbreviationAt(UnixSeconds instant) const;

 private:
  struct Data;
  explicit LocalZone(std::unique_ptr<Data> data);
  static std::unique_ptr<LocalZone> Load(std::string_view name);

  std::unique_ptr<Data> data_;
};

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
