#include "workers/core/hours_text.hpp"

#include <cstdint>

#include "workers/core/errors.hpp"
#include "workers/core/local_zone.hpp"

namespace switchboard::core {

namespace {

constexpr UnixSeconds kDay = 86400;

std::string ClockText(std::chrono::microseconds time) {
  const std::int64_t minutes = std::chrono::floor<std::chrono::minutes>(time).count();
  const std::int64_t hour = minutes / 60 % 24;
  const std::string minute = std::to_string(100 + minutes % 60).substr(1);
  return std::to_string(hour % 12 == 0 ? 12 : hour % 12) + ":" + minute +
         (hour < 12 ? " AM" : " PM");
}

// When the wall clock shows `opens` on the local day of `at`.
UnixSeconds OpeningInstant(const LocalZone& zone, std::chrono::microseconds opens, Instant at) {
  const UnixSeconds now = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
  const UnixSeconds local_now = now + zone.At(now).offset;
  const UnixSeconds midnight = local_now - ((local_now % kDay) + kDay) % kDay;
  const UnixSeconds local = midnight + std::chrono::floor<std::chrono::seconds>(opens).count();
  const UnixSeconds guess = local - zone.At(now).offset;
  return local - zone.At(guess).offset;
}

// -03 and +0545 are no names: UTC-3, UTC+5:45.
std::string ZoneText(const std::string& abbreviation) {
  const bool number =
      abbreviation.size() >= 3 && (abbreviation[0] == '+' || abbreviation[0] == '-');
  if (!number) return abbreviation;
  const std::string hours =
      abbreviation.substr(abbreviation[1] == '0' ? 2 : 1, abbreviation[1] == '0' ? 1 : 2);
  const std::string minutes = abbreviation.substr(3);
  const bool whole = minutes.empty() || minutes == "00";
  if (hours == "0" && whole) return "UTC";
  return "UTC" + abbreviation.substr(0, 1) + hours + (whole ? "" : ":" + minutes);
}

}  // namespace

std::string HoursText(std::chrono::microseconds opens, std::chrono::microseconds closes,
                      std::string_view timezone, Instant at) {
  const LocalZone* zone = LocalZone::Find(timezone);
  if (zone == nullptr) throw BadArgument("unknown time zone " + Quoted(timezone));
  return ClockText(opens) + " - " + ClockText(closes) + " " +
         ZoneText(zone->AbbreviationAt(OpeningInstant(*zone, opens, at)));
}

}  // namespace switchboard::core
