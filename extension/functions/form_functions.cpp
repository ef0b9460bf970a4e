#include <map>
#include <string>
#include <vector>

#include "extension/pg/args.hpp"
#include "extension/pg/entry.hpp"
#include "workers/core/encoding.hpp"
#include "workers/core/errors.hpp"
#include "workers/core/json.hpp"
#include "workers/core/utf8.hpp"

namespace switchboard {
namespace {

// No text of the database can hold a NUL or bytes that are not UTF-8.
void RequireStorable(const std::string& text) {
  if (text.find('\0') != std::string::npos || !core::IsValidUtf8(text)) {
    throw core::BadArgument("form holds a NUL or bytes that are not UTF-8");
  }
}

std::string FormToJson(std::string_view form) {
  std::map<std::string, std::vector<std::string>> fields;
  for (auto& [name, value] : core::ParseForm(form)) {
    RequireStorable(name);
    RequireStorable(value);
    fields[name].push_back(std::move(value));
  }
  core::JsonWriter json;
  json.BeginObject();
  for (const auto& [name, values] : fields) {
    json.Key(name);
    if (values.size() == 1) {
      json.String(values[0]);
      continue;
    }
    json.BeginArray();
    for (const std::string& value : values) {
      json.String(value);
    }
    json.EndArray();
  }
  return json.EndObject().Take();
}

}  // namespace

// _parse_form(form bytea) -> text
SB_SQL_FUNCTION(sb_parse_form) { return pg::ReturnText(FormToJson(pg::ArgBytes(fcinfo, 0))); }

// _url_encode(value text) -> text
SB_SQL_FUNCTION(sb_url_encode) { return pg::ReturnText(core::UrlEncode(pg::ArgText(fcinfo, 0))); }

}  // namespace switchboard
