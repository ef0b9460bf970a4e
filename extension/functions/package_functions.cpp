#include <optional>
#include <string>

#include "extension/functions/template_cache.hpp"
#include "extension/pg/args.hpp"
#include "extension/pg/entry.hpp"
#include "workers/core/call_package.hpp"
#include "workers/core/hours_text.hpp"
#include "workers/core/locale_format.hpp"
#include "workers/core/script_vars.hpp"
#include "workers/core/uuid.hpp"

namespace switchboard {
namespace {

std::optional<std::string> OptUuidText(FunctionCallInfo fcinfo, int n) {
  const auto uuid = pg::OptArgUuid(fcinfo, n);
  if (!uuid) return std::nullopt;
  return core::FormatUuid(*uuid);
}

// Few encodings have the signs of all currencies.
core::CurrencyStyle CurrencyStyle() {
  return pg::TakesUtf8() ? core::CurrencyStyle::kSign : core::CurrencyStyle::kCode;
}

// Reads the arguments of a function one after the other.
class Arguments {
 public:
  explicit Arguments(FunctionCallInfo fcinfo) : fcinfo_(fcinfo) {}

  std::optional<std::string> Text() { return pg::OptArgText(fcinfo_, next_++); }
  std::optional<std::string> Numeric() { return pg::OptArgNumeric(fcinfo_, next_++); }
  std::optional<std::string> Json() { return pg::OptArgJson(fcinfo_, next_++); }
  std::optional<std::string> Uuid() { return OptUuidText(fcinfo_, next_++); }
  std::optional<pg::Timestamp> Timestamp() { return pg::OptArgFiniteTimestamp(fcinfo_, next_++); }

 private:
  FunctionCallInfo fcinfo_;
  int next_ = 0;
};

}  // namespace

// format_money(amount numeric, currency text, locale text) -> text
SB_SQL_FUNCTION(sb_format_money) {
  return pg::ReturnText(core::FormatMoney(pg::ArgNumeric(fcinfo, 0), pg::ArgText(fcinfo, 1),
                                          pg::ArgText(fcinfo, 2), core::Strictness::kStrict,
                                          CurrencyStyle()));
}

// format_date(at timestamptz, timezone text, locale text) -> text
SB_SQL_FUNCTION(sb_format_date) {
  return pg::ReturnText(core::FormatDate(pg::ArgTimestamp(fcinfo, 0), pg::ArgText(fcinfo, 1),
                                         pg::ArgText(fcinfo, 2)));
}

// _call_hours_text(opens time, closes time, timezone text, at timestamptz) -> text
SB_SQL_FUNCTION(sb_call_hours_text) {
  return pg::ReturnText(core::HoursText(pg::ArgTime(fcinfo, 0), pg::ArgTime(fcinfo, 1),
                                        pg::ArgText(fcinfo, 2), pg::ArgTimestamp(fcinfo, 3)));
}

// _script_vars(…) -> jsonb: the fields of ScriptFacts in its order, and a template for the reason
SB_SQL_FUNCTION(sb_script_vars) {
  Arguments next(fcinfo);
  core::ScriptFacts facts;
  facts.locale = next.Text().value_or("");
  facts.timezone = next.Text().value_or("");
  facts.currency = next.Text().value_or("");
  facts.currency_style = CurrencyStyle();
  facts.customer_name = next.Text();
  facts.first_name = next.Text();
  facts.last_name = next.Text();
  facts.email = next.Text();
  facts.company = next.Text();
  facts.position = next.Text();
  facts.phone_number = next.Text();
  facts.product_name = next.Text();
  facts.discount_percent = next.Numeric();
  facts.coupon_code = next.Text();
  facts.original_price = next.Numeric();
  facts.new_price = next.Numeric();
  facts.purchased_at = next.Timestamp();
  facts.valid_until = next.Timestamp();
  facts.campaign_name = next.Text();
  facts.company_name = next.Text();
  facts.agent_name = next.Text();
  const auto reason = next.Text();
  return pg::ReturnJson(
      core::BuildScriptVars(facts, reason ? &ParsedTemplate(fcinfo, *reason) : nullptr));
}

// _call_package(…) -> jsonb: the fields of CallPackage in its order
SB_SQL_FUNCTION(sb_call_package) {
  Arguments next(fcinfo);
  core::CallPackage package;
  package.customer_name = next.Text();
  package.phone_number = next.Text();
  package.product_name = next.Text();
  package.product_id = next.Uuid();
  package.discount_percent = next.Numeric();
  package.coupon_code = next.Text();
  package.reason = next.Text();
  package.campaign_name = next.Text();
  package.campaign_id = next.Uuid();
  package.original_price = next.Numeric();
  package.new_price = next.Numeric();
  package.call_script = next.Text();
  package.priority = next.Text();
  package.best_call_time = next.Text();
  package.customer_timezone = next.Text();
  package.purchase_history = next.Json();
  package.call_trigger_id = next.Uuid();
  package.trigger_type = next.Text();
  package.customer_email = next.Text();
  return pg::ReturnJson(core::BuildCallPackage(package));
}

}  // namespace switchboard
