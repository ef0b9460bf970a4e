#pragma once
// Shared by the tests of workers/core.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "workers/core/calling_hours.hpp"
#include "workers/core/errors.hpp"

// EXPECT_SB_ERROR(statement, sqlstate, text that the message must hold)
#define EXPECT_SB_ERROR(statement, state, text)                                   \
  do {                                                                            \
    try {                                                                         \
      (void)(statement);                                                          \
      ADD_FAILURE() << #statement << " did not fail";                             \
    } catch (const switchboard::core::Error& e) {                                 \
      EXPECT_EQ(e.sqlstate(), state) << e.what();                                 \
      EXPECT_NE(std::string(e.what()).find(text), std::string::npos) << e.what(); \
    }                                                                             \
  } while (false)

namespace switchboard::core {

// "2026-03-08 06:59:59.5" UTC.
inline Instant Utc(const std::string& text) {
  int y = 0, mo = 0, d = 0, h = 0, mi = 0;
  double s = 0;
  if (std::sscanf(text.c_str(), "%d-%d-%d %d:%d:%lf", &y, &mo, &d, &h, &mi, &s) < 3) {
    ADD_FAILURE() << "bad instant " << text;
  }
  using namespace std::chrono;
  return Instant{sys_days{year{y} / mo / d} + hours{h} + minutes{mi} +
                 microseconds{static_cast<std::int64_t>(s * 1e6)}};
}

inline std::string Text(const std::optional<Instant>& instant) {
  if (!instant) return "none";
  using namespace std::chrono;
  const auto day = floor<days>(*instant);
  const year_month_day date{day};
  const hh_mm_ss time{*instant - day};
  char out[64];
  std::snprintf(out, sizeof out, "%04d-%02u-%02u %02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  std::string text = out;
  if (time.subseconds().count() != 0) {
    std::snprintf(out, sizeof out, ".%06d", static_cast<int>(time.subseconds().count()));
    text += out;
  }
  return text;
}

}  // namespace switchboard::core
