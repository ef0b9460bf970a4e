#include "workers/core/json.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "workers/core/errors.hpp"
#include "workers/core/utf8.hpp"

namespace switchboard::core {

namespace {

// Iterative: RapidJSON's recursive parser overflows the stack on deep input.
constexpr unsigned kParseFlags = rapidjson::kParseIterativeFlag |
                                 rapidjson::kParseValidateEncodingFlag |
                                 rapidjson::kParseFullPrecisionFlag;

// Nesting of brackets outside strings: checked before parsing, so that hostile text costs one pass.
std::size_t NestingOf(std::string_view text) {
  std::size_t depth = 0;
  std::size_t deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

void CheckLimits(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    throw LimitExceeded("JSON of " + std::to_string(text.size()) + " bytes exceeds the limit of " +
                        std::to_string(limits.max_bytes));
  }
  if (NestingOf(text) > limits.max_depth) {
    throw LimitExceeded("JSON nests deeper than " + std::to_string(limits.max_depth) + " levels");
  }
}

template <unsigned kFlags>
Json ParseWith(std::string_view text, const JsonLimits& limits) {
  CheckLimits(text, limits);
  Json document;
  document.Parse<kFlags>(text.data(), text.size());
  if (document.HasParseError()) {
    throw BadArgument("invalid JSON at byte " + std::to_string(document.GetErrorOffset()) + ": " +
                      Quoted(text.substr(0, 40)));
  }
  return document;
}

std::string DoubleText(double value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  writer.Double(value);
  return {buffer.GetString(), buffer.GetSize()};
}

constexpr char kReplacement[] = "\xef\xbf\xbd";
constexpr char kHex[] = "0123456789abcdef";

void AppendEscaped(char32_t c, std::string_view bytes, std::string* out) {
  switch (c) {
    case '"':
      out->append("\\\"");
      return;
    case '\\':
      out->append("\\\\");
      return;
    case '\n':
      out->append("\\n");
      return;
    case '\r':
      out->append("\\r");
      return;
    case '\t':
      out->append("\\t");
      return;
    default:
      break;
  }
  if (c < 0x20) {
    out->append("\\u00");
    out->push_back(kHex[c >> 4]);
    out->push_back(kHex[c & 15]);
  } else {
    out->append(bytes);
  }
}

void AppendQuoted(std::string_view text, std::string* out) {
  out->push_back('"');
  while (!text.empty()) {
    const Utf8Char c = DecodeUtf8(text);
    if (c.valid) {
      AppendEscaped(c.code_point, text.substr(0, c.length), out);
    } else {
      out->append(kReplacement);
    }
    text.remove_prefix(c.length);
  }
  out->push_back('"');
}

}  // namespace

void ThrowJsonMisuse(const char* condition) {
  throw Error(sqlstate::kInternal, std::string("JSON value misused: ") + condition);
}

Json ParseJson(std::string_view text, const JsonLimits& limits) {
  return ParseWith<kParseFlags>(text, limits);
}

Json ParseJsonKeepingNumbers(std::string_view text, const JsonLimits& limits) {
  return ParseWith<kParseFlags | rapidjson::kParseNumbersAsStringsFlag>(text, limits);
}

std::optional<Json> TryParseJson(std::string_view text, const JsonLimits& limits) {
  try {
    return ParseJson(text, limits);
  } catch (const Error&) {
    return std::nullopt;
  }
}

const JsonValue* Find(const JsonValue& value, std::string_view key) {
  if (!value.IsObject()) return nullptr;
  for (const auto& member : value.GetObject()) {
    if (AsString(member.name) == key) return &member.value;
  }
  return nullptr;
}

std::optional<std::string_view> FindString(const JsonValue& value, std::string_view key) {
  const JsonValue* found = Find(value, key);
  if (found == nullptr || !found->IsString()) return std::nullopt;
  return AsString(*found);
}

std::optional<std::int64_t> FindInt(const JsonValue& value, std::string_view key) {
  const JsonValue* found = Find(value, key);
  if (found == nullptr || !found->IsInt64()) return std::nullopt;
  return found->GetInt64();
}

std::optional<double> FindNumber(const JsonValue& value, std::string_view key) {
  const JsonValue* found = Find(value, key);
  if (found == nullptr || !found->IsNumber()) return std::nullopt;
  return found->GetDouble();
}

std::optional<bool> FindBool(const JsonValue& value, std::string_view key) {
  const JsonValue* found = Find(value, key);
  if (found == nullptr || !found->IsBool()) return std::nullopt;
  return found->GetBool();
}

std::optional<std::string> FindText(const JsonValue& value, std::string_view key) {
  const JsonValue* found = Find(value, key);
  if (found == nullptr) return std::nullopt;
  if (found->IsString()) return std::string(AsString(*found));
  if (found->IsNumber() || found->IsBool()) return ToJson(*found);
  return std::nullopt;
}

std::string_view AsString(const JsonValue& value) {
  if (!value.IsString()) return {};
  return {value.GetString(), value.GetStringLength()};
}

std::string ToJson(const JsonValue& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

std::string QuotedValue(const JsonValue& value) {
  return value.IsString() ? Quoted(AsString(value)) : Quoted(ToJson(value));
}

std::string JsonQuote(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  AppendQuoted(text, &out);
  return out;
}

void JsonWriter::Separate() {
  if (need_comma_) out_.push_back(',');
  need_comma_ = true;
}

JsonWriter& JsonWriter::BeginObject() {
  Separate();
  out_.push_back('{');
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::EndObject() {
  out_.push_back('}');
  need_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::BeginArray() {
  Separate();
  out_.push_back('[');
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::EndArray() {
  out_.push_back(']');
  need_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view key) {
  Separate();
  AppendQuoted(key, &out_);
  out_.push_back(':');
  need_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view value) {
  Separate();
  AppendQuoted(value, &out_);
  return *this;
}

JsonWriter& JsonWriter::Int(std::int64_t value) { return Raw(std::to_string(value)); }

JsonWriter& JsonWriter::Double(double value) {
  return std::isfinite(value) ? Raw(DoubleText(value)) : Null();
}

JsonWriter& JsonWriter::Bool(bool value) { return Raw(value ? "true" : "false"); }

JsonWriter& JsonWriter::Null() { return Raw("null"); }

JsonWriter& JsonWriter::Raw(std::string_view json) {
  Separate();
  out_.append(json);
  return *this;
}

JsonWriter& JsonWriter::Value(const JsonValue& value) { return Raw(ToJson(value)); }

std::string JsonWriter::Take() {
  need_comma_ = false;
  return std::move(out_);
}

}  // namespace switchboard::core
