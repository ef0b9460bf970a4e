// How Debian's libdate-tz is built; the header needs the same.
#define USE_OS_TZDB 1
#define ONLY_C_LOCALE 1
#define HAS_STRING_VIEW 1

#include "workers/core/local_zone.hpp"

#include <date/tz.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "workers/core/errors.hpp"
#include "workers/core/phone_zones.hpp"
#include "workers/core/posix_rule.hpp"

namespace switchboard::core {

namespace {

constexpr UnixSeconds kDay = 86400;
// The Gregorian calendar repeats, weekdays included, after this time.
constexpr UnixSeconds kFourCenturies = 146097 * kDay;
// 2400-01-01: later instants are moved back, as the library counts years in 16 bits.
constexpr UnixSeconds kFarFuture = 13569465600;

bool SameIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

const date::tzdb& Database() {
  try {
    return date::get_tzdb();
  } catch (const std::exception&) {
    throw MissingComponent("the system has no time zone database", "Install the package tzdata.");
  }
}

const date::time_zone* FindInDatabase(std::string_view name) {
  const auto& zones = Database().zones;
  const auto exact = std::lower_bound(
      zones.begin(), zones.end(), name,
      [](const date::time_zone& zone, std::string_view n) { return zone.name() < n; });
  if (exact != zones.end() && exact->name() == name) return &*exact;
  const auto similar = std::find_if(zones.begin(), zones.end(), [name](const date::time_zone& z) {
    return SameIgnoringCase(z.name(), name);
  });
  return similar != zones.end() ? &*similar : nullptr;
}

// The last line of a compiled zone: the rule for all time after its last listed change.
std::string RuleLine(const std::string& zone_name) {
  std::ifstream file("/usr/share/zoneinfo/" + zone_name, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (bytes.size() < 2 || bytes.back() != '\n') return {};
  const std::size_t start = bytes.rfind('\n', bytes.size() - 2);
  return start == std::string::npos ? std::string{}
                                    : bytes.substr(start + 1, bytes.size() - start - 2);
}

// How far an instant of the far future is moved back.
UnixSeconds ShiftOf(UnixSeconds instant) {
  if (instant < kFarFuture) return 0;
  return ((instant - kFarFuture) / kFourCenturies + 1) * kFourCenturies;
}

bool IsLast(const date::sys_info& info) {
  return info.end >= date::sys_days{date::year::max() / 12 / 31};
}

}  // namespace

struct LocalZone::Data {
  const date::time_zone* zone;
  // libdate-tz knows only the changes that the file lists: up to 2037, and with files compiled in
  // the "slim" format only up to the zone's last change of rules. From then on the rule counts.
  std::optional<PosixRule> rule;

  date::sys_info InfoAt(UnixSeconds instant) const {
    return zone->get_info(date::sys_seconds{std::chrono::seconds{instant}});
  }
};

LocalZone::LocalZone(std::unique_ptr<Data> data) : data_(std::move(data)) {}
LocalZone::~LocalZone() = default;

std::unique_ptr<LocalZone> LocalZone::Load(std::string_view name) {
  const date::time_zone* zone = FindInDatabase(name);
  if (zone == nullptr) zone = FindInDatabase(CurrentZoneName(name));
  if (zone == nullptr) return nullptr;
  auto data = std::make_unique<Data>(Data{zone, PosixRule::Parse(RuleLine(zone->name()))});
  return std::unique_ptr<LocalZone>(new LocalZone(std::move(data)));
}

const LocalZone* LocalZone::Find(std::string_view name) {
  struct Cache {
    std::unordered_map<std::string, std::unique_ptr<LocalZone>> zones;
    std::string last_name;
    const LocalZone* last = nullptr;
  };
  // Never destroyed: nothing of ours may run at exit of a backend.
  static thread_local auto* const cache = new Cache;
  if (cache->last != nullptr && cache->last_name == name) return cache->last;
  auto found = cache->zones.find(std::string(name));
  if (found == cache->zones.end()) {
    auto zone = Load(name);
    if (zone == nullptr) return nullptr;  // not remembered: names that do not exist have no end
    found = cache->zones.emplace(std::string(name), std::move(zone)).first;
  }
  cache->last_name = found->first;
  cache->last = found->second.get();
  return cache->last;
}

LocalZone::Stretch LocalZone::At(UnixSeconds instant) const {
  const UnixSeconds shift = ShiftOf(instant);
  const UnixSeconds at = instant - shift;
  const date::sys_info info = data_->InfoAt(at);
  if (data_->rule && IsLast(info)) {
    const PosixRule::Stretch stretch = data_->rule->At(at);
    return {stretch.end + shift, stretch.offset};
  }
  return {info.end.time_since_epoch().count() + shift, info.offset.count()};
}

std::string LocalZone::AbbreviationAt(UnixSeconds instant) const {
  const UnixSeconds at = instant - ShiftOf(instant);
  const date::sys_info info = data_->InfoAt(at);
  return data_->rule && IsLast(info) ? data_->rule->NameAt(at) : info.abbrev;
}

}  // namespace switchboard::core
