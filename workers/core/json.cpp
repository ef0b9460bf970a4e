#include "workers/core/json.hpp"

#include <rapidjson/encodedstream.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include "workers/core/errors.hpp"
#include "workers/core/utf8.hpp"

namespace switchboard::core {

namespace {

// Iterative: RapidJSON's recursive parser overflows the stack on deep input. Numbers arrive as text
// because its own conversion is wrong for a zero with an exponent ("0e63" becomes 2e-112).
constexpr unsigned kParseFlags = rapidjson::kParseIterativeFlag |
                                 rapidjson::kParseValidateEncodingFlag |
                                 rapidjson::kParseNumbersAsStringsFlag;

// What RapidJSON does not check: one pass over the text before it is parsed.
class Scan {
 public:
  explicit Scan(std::string_view text) : text_(text) {
    while (at_ < text_.size()) Step();
  }

  // Nesting of brackets outside strings.
  std::size_t depth() const { return deepest_; }
  // A \uDC00-\uDFFF without its first half; it would become invalid UTF-8.
  bool lone_surrogate() const { return lone_surrogate_; }

 private:
  void Step() {
    const char c = text_[at_];
    if (in_string_ && c == '\\') {
      Escape();
      return;
    }
    ++at_;
    if (c == '"') {
      in_string_ = !in_string_;
    } else if (!in_string_ && (c == '{' || c == '[')) {
      deepest_ = std::max(deepest_, ++depth_);
    } else if (!in_string_ && (c == '}' || c == ']') && depth_ > 0) {
      --depth_;
    }
  }

  // RapidJSON itself demands a second half after a first one.
  void Escape() {
    lone_surrogate_ |= IsSurrogate("CDEFcdef");
    at_ += IsSurrogate("89ABab") ? 12 : 2;
  }

  // \uD and then one of the digits.
  bool IsSurrogate(std::string_view digits) const {
    const std::string_view escape = text_.substr(at_, 4);
    return escape.size() == 4 && escape[1] == 'u' && (escape[2] == 'D' || escape[2] == 'd') &&
           digits.find(escape[3]) != std::string_view::npos;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t deepest_ = 0;
  bool in_string_ = false;
  bool lone_surrogate_ = false;
};

void CheckBeforeParsing(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    throw LimitExceeded("JSON of " + std::to_string(text.size()) + " bytes exceeds the limit of " +
                        std::to_string(limits.max_bytes));
  }
  const Scan scan(text);
  if (scan.depth() > limits.max_depth) {
    throw LimitExceeded("JSON nests deeper than " + std::to_string(limits.max_depth) + " levels");
  }
  if (scan.lone_surrogate()) throw BadArgument("invalid JSON: half a surrogate pair");
  // The parser would take it for the end and ignore what follows.
  if (text.find('\0') != std::string_view::npos) throw BadArgument("invalid JSON: NUL byte");
}

template <class Number>
bool Convert(std::string_view text, Number* number) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc{} && rest == text.data() + text.size();
}

// What lies between zero and the smallest number.
bool IsTiny(std::string_view text) {
  const std::size_t exponent = text.find_first_of("eE");
  if (exponent != std::string_view::npos) return text[exponent + 1] == '-';
  return text.starts_with("0.") || text.starts_with("-0.");
}

enum class Numbers { kConvert, kKeepText };

// Hands the parser's events on to the document and turns the text of numbers into numbers.
class Builder {
 public:
  Builder(Json* document, Numbers numbers) : document_(document), numbers_(numbers) {}

  bool RawNumber(const char* data, rapidjson::SizeType size, bool copy) {
    if (numbers_ == Numbers::kKeepText) return document_->String(data, size, copy);
    const std::string_view text(data, size);
    std::int64_t whole = 0;
    if (Convert(text, &whole)) return document_->Int64(whole);
    std::uint64_t large = 0;
    if (Convert(text, &large)) return document_->Uint64(large);
    double real = 0;
    if (Convert(text, &real) || IsTiny(text)) return document_->Double(real);
    return false;
  }

  bool Null() { return document_->Null(); }
  bool Bool(bool value) { return document_->Bool(value); }
  bool String(const char* data, rapidjson::SizeType size, bool copy) {
    return document_->String(data, size, copy);
  }
  bool Key(const char* data, rapidjson::SizeType size, bool copy) {
    return document_->Key(data, size, copy);
  }
  bool StartObject() { return document_->StartObject(); }
  bool EndObject(rapidjson::SizeType members) { return document_->EndObject(members); }
  bool StartArray() { return document_->StartArray(); }
  bool EndArray(rapidjson::SizeType elements) { return document_->EndArray(elements); }

  // Never called: numbers come as text.
  bool Int(int value) { return document_->Int(value); }
  bool Uint(unsigned value) { return document_->Uint(value); }
  bool Int64(std::int64_t value) { return document_->Int64(value); }
  bool Uint64(std::uint64_t value) { return document_->Uint64(value); }
  bool Double(double value) { return document_->Double(value); }

 private:
  Json* document_;
  Numbers numbers_;
};

Json Parse(std::string_view text, const JsonLimits& limits, Numbers numbers) {
  CheckBeforeParsing(text, limits);
  Json document;
  rapidjson::Reader reader;
  rapidjson::MemoryStream bytes(text.data(), text.size());
  rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream> stream(bytes);
  rapidjson::ParseResult result;
  Builder builder(&document, numbers);
  const auto generate = [&](Json&) {
    result = reader.Parse<kParseFlags>(stream, builder);
    return !result.IsError();
  };
  document.Populate(generate);
  if (result.IsError()) {
    throw BadArgument("invalid JSON at byte " + std::to_string(result.Offset()) + ": " +
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
  return Parse(text, limits, Numbers::kConvert);
}

Json ParseJsonKeepingNumbers(std::string_view text, const JsonLimits& limits) {
  return Parse(text, limits, Numbers::kKeepText);
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

bool HasRepeatedName(const JsonValue& value) {
  if (value.IsArray()) return std::any_of(value.Begin(), value.End(), HasRepeatedName);
  if (!value.IsObject()) return false;
  std::vector<std::string_view> names;
  for (const auto& member : value.GetObject()) {
    if (HasRepeatedName(member.value)) return true;
    names.push_back(AsString(member.name));
  }
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
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
