#include "workers/core/call_package.hpp"

#include <cstdint>
#include <optional>

#include "workers/core/decimal.hpp"

namespace switchboard::core {

namespace {

// Nothing for what JSON has no number for.
std::optional<std::int64_t> KnownCents(const OptText& amount) {
  if (!amount) return std::nullopt;
  return ParseCents(*amount);
}

OptText Cents(const OptText& amount) {
  const auto cents = KnownCents(amount);
  if (!cents) return std::nullopt;
  return FormatCents(*cents);
}

OptText Percent(const OptText& percent) {
  if (!percent || !IsDecimal(*percent)) return std::nullopt;
  return std::string(WithoutTrailingZeros(*percent)) + "%";
}

void AddOffer(const CallPackage& package, JsonFields* fields) {
  fields->TextOrNull("product_name", package.product_name);
  fields->TextOrNull("product_id", package.product_id);
  fields->TextOrNull("discount", Percent(package.discount_percent));
  fields->TextOrNull("coupon_code", package.coupon_code);
  fields->TextOrNull("reason", package.reason);
  fields->TextOrNull("campaign_name", package.campaign_name);
  fields->TextOrNull("campaign_id", package.campaign_id);
  fields->RawOrNull("original_price", Cents(package.original_price));
  fields->RawOrNull("new_price", Cents(package.new_price));
  fields->RawOrNull("savings_amount", SavingsAmount(package.original_price, package.new_price));
}

void AddCall(const CallPackage& package, JsonFields* fields) {
  fields->TextOrNull("call_script", package.call_script);
  fields->TextOrNull("priority", package.priority);
  fields->TextOrNull("best_call_time", package.best_call_time);
  fields->TextOrNull("customer_timezone", package.customer_timezone);
  fields->Raw("purchase_history", package.purchase_history.value_or("[]"));
  fields->TextOrNull("call_trigger_id", package.call_trigger_id);
  fields->TextOrNull("trigger_type", package.trigger_type);
}

}  // namespace

OptText SavingsAmount(const OptText& original_price, const OptText& new_price) {
  const auto before = KnownCents(original_price);
  if (!before) return std::nullopt;
  const auto now = KnownCents(new_price);
  if (!now || *before < *now) return std::nullopt;
  return FormatCents(*before - *now);
}

std::string BuildCallPackage(const CallPackage& package) {
  JsonFields fields;
  fields.TextOrNull("customer_name", package.customer_name);
  fields.TextOrNull("phone_number", package.phone_number);
  AddOffer(package, &fields);
  AddCall(package, &fields);
  fields.TextOrNull("customer_email", package.customer_email);
  return fields.Take();
}

}  // namespace switchboard::core
