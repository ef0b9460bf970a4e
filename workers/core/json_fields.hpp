#pragma once
// Objects of a fixed set of fields, written front to back by RapidJSON; for parsing and free forms
// see json.hpp.

#include <optional>
#include <string>
#include <string_view>

#include "workers/core/json_config.hpp"

namespace switchboard::core {

using OptText = std::optional<std::string>;

// One object. Whatever is in a text stays a text: quotes and control characters are escaped,
// invalid UTF-8 becomes U+FFFD.
class JsonFields {
 public:
  JsonFields();
  JsonFields(const JsonFields&) = delete;
  JsonFields& operator=(const JsonFields&) = delete;

  void Text(std::string_view key, std::string_view value);
  void TextOrNull(std::string_view key, const OptText& value);
  // Nothing at all when there is no value.
  void TextIfAny(std::string_view key, const OptText& value);
  // `json` is valid JSON already.
  void Raw(std::string_view key, std::string_view json);
  void RawOrNull(std::string_view key, const OptText& json);

  // Ends the object; the last call.
  std::string Take();

 private:
  void Key(std::string_view key);
  void String(std::string_view value);

  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_;
};

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
