#include <array>
#include <string>

#include "extension/functions/template_cache.hpp"
#include "extension/pg/args.hpp"
#include "extension/pg/entry.hpp"
#include "workers/core/coupon_code.hpp"
#include "workers/core/errors.hpp"
#include "workers/core/sms_segments.hpp"

namespace switchboard {
namespace {

std::string Rendered(FunctionCallInfo fcinfo) {
  const std::string body = pg::ArgText(fcinfo, 0);
  return ParsedTemplate(fcinfo, body).Render(pg::ArgJson(fcinfo, 1));
}

}  // namespace

// render_template(body text, vars jsonb) -> text
SB_SQL_FUNCTION(sb_render_template) { return pg::ReturnText(Rendered(fcinfo)); }

// _render_or_null(body text, vars jsonb) -> text
SB_SQL_FUNCTION(sb_render_or_null) {
  try {
    return pg::ReturnText(Rendered(fcinfo));
  } catch (const core::Error&) {
    return pg::ReturnNull(fcinfo);
  }
}

// sms_segments(body text) -> (encoding text, segments int, units int)
SB_SQL_FUNCTION(sb_sms_segments) {
  const core::SmsCount count = core::SmsSegments(pg::ArgText(fcinfo, 0));
  const std::array<std::string, 3> row = {count.encoding, std::to_string(count.segments),
                                          std::to_string(count.units)};
  return pg::ReturnRow(fcinfo, row);
}

// generate_coupon_code(reason text, discount_percent numeric) -> text
SB_SQL_FUNCTION(sb_generate_coupon_code) {
  return pg::ReturnText(
      core::GenerateCouponCode(pg::ArgText(fcinfo, 0), pg::ArgNumeric(fcinfo, 1)));
}

}  // namespace switchboard
