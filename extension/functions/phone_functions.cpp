#include "workers/core/phone.hpp"

#include <optional>
#include <string>
#include <vector>

#include "extension/pg/args.hpp"
#include "extension/pg/entry.hpp"
#include "extension/pg/spi.hpp"
#include "workers/core/phone_place.hpp"

namespace switchboard {
namespace {

constinit pg::SqlStatement tenant_region("SELECT switchboard._default_region()", 0,
                                         pg::SqlAccess::kReadOnly);

std::optional<std::string> TenantRegion() {
  pg::SpiSession session;
  return tenant_region.Run().at(0).at(0);
}

// A number written internationally says its country itself; only then is the region worth a query.
std::optional<std::string> RegionFor(FunctionCallInfo fcinfo, const std::string& raw) {
  if (std::optional<std::string> region = pg::OptArgText(fcinfo, 1)) {
    return region;
  }
  if (core::TryNormalizePhone(raw, std::nullopt)) {
    return std::nullopt;
  }
  return TenantRegion();
}

}  // namespace

// normalize_phone(raw text, region text) -> text
SB_SQL_FUNCTION(sb_normalize_phone) {
  if (pg::ArgIsNull(fcinfo, 0)) {
    return pg::ReturnNull(fcinfo);
  }
  const std::string raw = pg::ArgText(fcinfo, 0);
  return pg::ReturnText(core::NormalizePhone(raw, RegionFor(fcinfo, raw)));
}

// try_normalize_phone(raw text, region text) -> text
SB_SQL_FUNCTION(sb_try_normalize_phone) {
  if (pg::ArgIsNull(fcinfo, 0)) {
    return pg::ReturnNull(fcinfo);
  }
  const std::string raw = pg::ArgText(fcinfo, 0);
  return pg::ReturnOptText(fcinfo, core::TryNormalizePhone(raw, RegionFor(fcinfo, raw)));
}

// phone_is_valid(phone text) -> boolean
SB_SQL_FUNCTION(sb_phone_is_valid) {
  return pg::ReturnBool(core::PhoneIsValid(pg::ArgText(fcinfo, 0)));
}

// phone_region(phone text) -> text
SB_SQL_FUNCTION(sb_phone_region) {
  return pg::ReturnOptText(fcinfo, core::PhoneRegion(pg::ArgText(fcinfo, 0)));
}

// phone_type(phone text) -> text
SB_SQL_FUNCTION(sb_phone_type) { return pg::ReturnText(core::PhoneType(pg::ArgText(fcinfo, 0))); }

// format_phone(phone text, style text) -> text
SB_SQL_FUNCTION(sb_format_phone) {
  return pg::ReturnText(core::FormatPhone(pg::ArgText(fcinfo, 0), pg::ArgText(fcinfo, 1)));
}

// phone_timezones(phone text) -> text[]
SB_SQL_FUNCTION(sb_phone_timezones) {
  return pg::ReturnTextArray(core::PhoneTimezones(pg::ArgText(fcinfo, 0)));
}

// phone_subdivision(phone text) -> text
SB_SQL_FUNCTION(sb_phone_subdivision) {
  return pg::ReturnOptText(fcinfo, core::PhoneSubdivision(pg::ArgText(fcinfo, 0)));
}

// _phone_place(phone text) -> text[]: region, subdivision, zones
SB_SQL_FUNCTION(sb_phone_place) {
  const core::PhonePlace& place = core::PlaceOfPhone(pg::ArgText(fcinfo, 0));
  std::vector<std::string> parts = {place.region, place.subdivision};
  parts.insert(parts.end(), place.zones.begin(), place.zones.end());
  return pg::ReturnTextArray(parts);
}

}  // namespace switchboard
