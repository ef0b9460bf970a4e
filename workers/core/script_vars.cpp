#include "workers/core/script_vars.hpp"

#include "workers/core/call_package.hpp"
#include "workers/core/decimal.hpp"
#include "workers/core/spoken_text.hpp"

namespace switchboard::core {

namespace {

OptText Money(const ScriptFacts& facts, const OptText& amount) {
  if (!amount || !ParseCents(*amount)) return std::nullopt;
  return FormatMoney(*amount, facts.currency, facts.locale, Strictness::kLenient,
                     facts.currency_style);
}

OptText Percent(const ScriptFacts& facts) {
  if (!facts.discount_percent || !ParseCents(*facts.discount_percent)) return std::nullopt;
  return FormatPercent(*facts.discount_percent, facts.locale, Strictness::kLenient);
}

OptText Date(const ScriptFacts& facts, std::optional<Instant> at) {
  if (!at) return std::nullopt;
  return FormatDate(*at, facts.timezone, facts.locale, Strictness::kLenient);
}

// Nothing saved is nothing to talk about.
OptText Savings(const ScriptFacts& facts) {
  const OptText amount = SavingsAmount(facts.original_price, facts.new_price);
  return amount && *ParseCents(*amount) > 0 ? Money(facts, amount) : std::nullopt;
}

// Empty when not known.
std::string Line(const OptText& text) { return text ? OneLine(*text) : std::string{}; }

void AddPerson(const ScriptFacts& facts, JsonFields* fields) {
  const std::string name = Line(facts.customer_name);
  fields->Text("customer_name", name);
  fields->Text("name", name);
  fields->Text("first_name", Line(facts.first_name));
  fields->Text("last_name", Line(facts.last_name));
  fields->Text("email", Line(facts.email));
  fields->Text("company", Line(facts.company));
  fields->Text("position", Line(facts.position));
  fields->Text("phone_number", Line(facts.phone_number));
}

void AddOffer(const ScriptFacts& facts, JsonFields* fields) {
  if (facts.product_name) fields->Text("product_name", OneLine(*facts.product_name));
  fields->TextIfAny("discount", Percent(facts));
  fields->TextIfAny("coupon_code", facts.coupon_code);
  fields->TextIfAny("original_price", Money(facts, facts.original_price));
  fields->TextIfAny("new_price", Money(facts, facts.new_price));
  fields->TextIfAny("savings_amount", Savings(facts));
  fields->TextIfAny("purchase_date", Date(facts, facts.purchased_at));
  fields->TextIfAny("valid_until", Date(facts, facts.valid_until));
}

void AddCaller(const ScriptFacts& facts, JsonFields* fields) {
  fields->Text("campaign_name", Line(facts.campaign_name));
  fields->Text("company_name", Line(facts.company_name));
  fields->Text("agent_name", Line(facts.agent_name));
}

}  // namespace

std::string BuildScriptVars(const ScriptFacts& facts, const Template* reason) {
  JsonFields fields;
  AddPerson(facts, &fields);
  AddOffer(facts, &fields);
  AddCaller(facts, &fields);
  std::string vars = fields.Take();
  if (reason == nullptr) return vars;
  JsonFields sentence;
  sentence.Text("reason", reason->Render(vars));
  // Two objects become one: }{ between them is a comma.
  vars.back() = ',';
  return vars.append(sentence.Take().substr(1));
}

}  // namespace switchboard::core
