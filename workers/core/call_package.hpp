#pragma once
// What a call system or voice agent is told about a triggered call, as JSON.

#include <string>

#include "workers/core/json_fields.hpp"

namespace switchboard::core {

// Prices and the discount are decimals as the database writes them; what is no finite number counts
// as not known. `purchase_history` is a JSON array, newest purchase first.
struct CallPackage {
  OptText customer_name;
  OptText phone_number;
  OptText product_name;
  OptText product_id;
  OptText discount_percent;
  OptText coupon_code;
  OptText reason;
  OptText campaign_name;
  OptText campaign_id;
  OptText original_price;
  OptText new_price;
  OptText call_script;
  OptText priority;
  OptText best_call_time;
  OptText customer_timezone;
  OptText purchase_history;
  OptText call_trigger_id;
  OptText trigger_type;
  OptText customer_email;
};

// Every key, always, in the order above; `discount` is "15%", savings_amount follows new_price and
// is the first price minus the second, money has two decimals. What is not known is null, without a
// history []. Invalid UTF-8 becomes U+FFFD. About 2 us.
std::string BuildCallPackage(const CallPackage& package);

// What is saved: the difference of two prices to the cent; nothing when one of them is not known or
// the second is higher.
OptText SavingsAmount(const OptText& original_price, const OptText& new_price);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
