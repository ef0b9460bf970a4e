#include "workers/core/webhook_signature.hpp"

#include <chrono>
#include <string>

#include "extension/pg/args.hpp"
#include "extension/pg/entry.hpp"
#include "extension/pg/settings.hpp"

namespace switchboard {

// webhook_signature_ok(provider text, secret text, url text, headers jsonb, body bytea, at
// timestamptz) -> boolean
SB_SQL_FUNCTION(sb_webhook_signature_ok) {
  if (pg::ArgIsNull(fcinfo, 1) || pg::ArgIsNull(fcinfo, 3) || pg::ArgIsNull(fcinfo, 5)) {
    return pg::ReturnBool(false);
  }
  return pg::ReturnBool(core::WebhookSignatureOk(
      pg::OptArgText(fcinfo, 0).value_or(""), pg::ArgText(fcinfo, 1),
      pg::OptArgText(fcinfo, 2).value_or(""), pg::ArgJson(fcinfo, 3),
      pg::ArgIsNull(fcinfo, 4) ? std::string() : pg::ArgBytes(fcinfo, 4),
      std::chrono::floor<std::chrono::seconds>(pg::ArgTimestamp(fcinfo, 5))));
}

// _installation_url() -> text. A function of ours, and no current_setting() in SQL: before the
// library is loaded any session could set a variable of that name.
SB_SQL_FUNCTION(sb_installation_url) {
  (void)fcinfo;
  return pg::ReturnText(pg::settings::PublicUrl());
}

}  // namespace switchboard
