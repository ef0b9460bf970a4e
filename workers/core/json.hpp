#pragma once
// Reading and writing JSON: one parser with limits, getters that do not throw on a wrong type, and
// a writer.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "workers/core/json_config.hpp"

namespace switchboard::core {

using Json = rapidjson::Document;
using JsonValue = rapidjson::Value;

struct JsonLimits {
  std::size_t max_bytes = 64u << 20;
  std::size_t max_depth = 64;  // also bounds the recursion of everything that walks the document
};

// Iterative, encoding validated, full precision. Duplicate keys are tolerated: the first one is
// found by the getters. Throws 22023 "invalid JSON …" with the offset, 54000 beyond the limits.
Json ParseJson(std::string_view text, const JsonLimits& limits = {});

// The same, nothing for text that is not JSON or beyond the limits.
std::optional<Json> TryParseJson(std::string_view text, const JsonLimits& limits = {});

// As ParseJson, but every number becomes a string with its exact text: for printing, not for
// computing.
Json ParseJsonKeepingNumbers(std::string_view text, const JsonLimits& limits = {});

// Member `key` of an object, or null when `value` is no object or has no such member.
const JsonValue* Find(const JsonValue& value, std::string_view key);

// Typed members; nothing when absent, null or of another type. Views live as long as the document.
std::optional<std::string_view> FindString(const JsonValue& value, std::string_view key);
std::optional<std::int64_t> FindInt(const JsonValue& value, std::string_view key);
std::optional<double> FindNumber(const JsonValue& value, std::string_view key);
std::optional<bool> FindBool(const JsonValue& value, std::string_view key);
// A string as it is, a number or boolean as text.
std::optional<std::string> FindText(const JsonValue& value, std::string_view key);

// Whether some object in `value` has a name twice. RFC 8259 leaves open which one counts.
bool HasRepeatedName(const JsonValue& value);

// A string value's content; empty when it is no string.
std::string_view AsString(const JsonValue& value);

std::string ToJson(const JsonValue& value);

// A value as it may stand in an error message: Quoted, a string without the quotes of JSON.
std::string QuotedValue(const JsonValue& value);

// "text" with quotes and escapes. Invalid UTF-8 becomes U+FFFD: what is written can always be
// parsed.
std::string JsonQuote(std::string_view text);

// Builds JSON text front to back:  JsonWriter w; w.BeginObject().Key("a").Int(1).EndObject();
// w.Take(); Nesting and commas are its business; Raw() takes text that is JSON already.
class JsonWriter {
 public:
  JsonWriter& BeginObject();
  JsonWriter& EndObject();
  JsonWriter& BeginArray();
  JsonWriter& EndArray();
  JsonWriter& Key(std::string_view key);
  JsonWriter& String(std::string_view value);
  JsonWriter& Int(std::int64_t value);
  JsonWriter& Double(double value);  // null for NaN and infinities
  JsonWriter& Bool(bool value);
  JsonWriter& Null();
  JsonWriter& Raw(std::string_view json);
  JsonWriter& Value(const JsonValue& value);

  const std::string& text() const { return out_; }
  std::string Take();

 private:
  void Separate();

  std::string out_;
  bool need_comma_ = false;
};

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
