#pragma once
// The variables of a script: who is called, about what, with money and dates written out.

#include <optional>
#include <string>

#include "workers/core/calling_hours.hpp"
#include "workers/core/json_fields.hpp"
#include "workers/core/locale_format.hpp"
#include "workers/core/template.hpp"

namespace switchboard::core {

// Amounts are decimals as the database writes them.
struct ScriptFacts {
  std::string locale;    // en-US when there is no such locale
  std::string timezone;  // UTC when there is no such zone
  std::string currency;
  CurrencyStyle currency_style = CurrencyStyle::kSign;
  OptText customer_name;
  OptText first_name;
  OptText last_name;
  OptText email;
  OptText company;
  OptText position;
  OptText phone_number;
  OptText product_name;
  OptText discount_percent;
  OptText coupon_code;
  OptText original_price;
  OptText new_price;
  std::optional<Instant> purchased_at;
  std::optional<Instant> valid_until;
  OptText campaign_name;
  OptText company_name;
  OptText agent_name;
};

// A JSON object. Always there, empty when not known: customer_name, name (the same), first_name,
// last_name, email, company, position, phone_number, campaign_name, company_name, agent_name. Only
// when known, so that a script which says them without them is an error: product_name, discount,
// coupon_code, original_price, new_price, savings_amount (when something is saved), purchase_date,
// valid_until. Names are on one line, so that nobody's name can pretend to be another paragraph of
// the script (see spoken_text.hpp). `reason`, if there is a template for it, is rendered with all
// of these. About 6 us, the reason as much again.
std::string BuildScriptVars(const ScriptFacts& facts, const Template* reason);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
