#include <optional>
#include <string>

#include "extension/pg/args.hpp"
#include "extension/pg/entry.hpp"
#include "workers/core/encoding.hpp"
#include "workers/core/errors.hpp"

namespace switchboard {

// _parse_form(form bytea) -> text
SB_SQL_FUNCTION(sb_parse_form) {
  const std::optional<std::string> json = core::FormToJson(pg::ArgBytes(fcinfo, 0));
  if (!json) throw core::BadArgument("form holds a NUL or bytes that are not UTF-8");
  return pg::ReturnText(*json);
}

// _url_encode(value text) -> text
SB_SQL_FUNCTION(sb_url_encode) { return pg::ReturnText(core::UrlEncode(pg::ArgText(fcinfo, 0))); }

}  // namespace switchboard
