#include "workers/core/webhook_signature.hpp"

#include <chrono>

#include "extension/pg/args.hpp"
#include "extension/pg/entry.hpp"

namespace switchboard {

// webhook_signature_ok(provider text, secret text, url text, headers jsonb, body bytea, at
// timestamptz) -> boolean
SB_SQL_FUNCTION(sb_webhook_signature_ok) {
  return pg::ReturnBool(core::WebhookSignatureOk(
      pg::ArgText(fcinfo, 0), pg::ArgText(fcinfo, 1), pg::ArgText(fcinfo, 2),
      pg::ArgJson(fcinfo, 3), pg::ArgBytes(fcinfo, 4),
      std::chrono::floor<std::chrono::seconds>(pg::ArgTimestamp(fcinfo, 5))));
}

}  // namespace switchboard
