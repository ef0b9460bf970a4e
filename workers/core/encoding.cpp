#include "workers/core/encoding.hpp"

#include <algorithm>
#include <cstdint>
#include <map>

#include "workers/core/json.hpp"
#include "workers/core/utf8.hpp"

namespace switchboard::core {

namespace {

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kBase64Url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr char kHexLower[] = "0123456789abcdef";
constexpr char kHexUpper[] = "0123456789ABCDEF";

unsigned Byte(char c) { return static_cast<unsigned char>(c); }

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int Base64Value(char c, bool url) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == (url ? '-' : '+')) return 62;
  if (c == (url ? '_' : '/')) return 63;
  return -1;
}

std::string Encode64(std::string_view bytes, const char* alphabet) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    unsigned group = Byte(bytes[i]) << 16;
    if (n > 1) group |= Byte(bytes[i + 1]) << 8;
    if (n > 2) group |= Byte(bytes[i + 2]);
    for (std::size_t k = 0; k <= n; ++k) out.push_back(alphabet[(group >> (18 - 6 * k)) & 63]);
  }
  return out;
}

// Text without padding. Refuses left-over bits, so that every value has exactly one spelling.
std::optional<std::string> Decode64(std::string_view text, bool url) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = Base64Value(c, url);
    if (value < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>((bits >> count) & 0xff));
    }
  }
  if ((bits & ((1u << count) - 1)) != 0) return std::nullopt;
  return out;
}

std::size_t PaddingOf(std::string_view text) {
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  return padding;
}

bool IsUnreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

std::string Base64Encode(std::string_view bytes) {
  std::string out = Encode64(bytes, kBase64);
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

std::optional<std::string> Base64Decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  return Decode64(text.substr(0, text.size() - PaddingOf(text)), false);
}

std::string Base64UrlEncode(std::string_view bytes) { return Encode64(bytes, kBase64Url); }

std::optional<std::string> Base64UrlDecode(std::string_view text) {
  const std::size_t padding = PaddingOf(text);
  if (padding > 0 && text.size() % 4 != 0) return std::nullopt;
  return Decode64(text.substr(0, text.size() - padding), true);
}

std::string HexEncode(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out.push_back(kHexLower[Byte(c) >> 4]);
    out.push_back(kHexLower[Byte(c) & 15]);
  }
  return out;
}

std::optional<std::string> HexDecode(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = HexValue(text[i]);
    const int low = HexValue(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
  }
  return out;
}

std::string UrlEncode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (IsUnreserved(c)) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHexUpper[Byte(c) >> 4]);
      out.push_back(kHexUpper[Byte(c) & 15]);
    }
  }
  return out;
}

std::string UrlDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && HexValue(text[i + 1]) >= 0 &&
                        HexValue(text[i + 2]) >= 0;
    if (escape) {
      out.push_back(static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2])));
      i += 2;
    } else {
      out.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

FormFields ParseForm(std::string_view text) {
  FormFields fields;
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = equals < pair.size() ? pair.substr(equals + 1) : "";
    fields.emplace_back(UrlDecode(pair.substr(0, equals), true), UrlDecode(value, true));
  }
  return fields;
}

std::string FormEncode(const FormFields& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    if (!out.empty()) out.push_back('&');
    out.append(UrlEncode(name)).append("=").append(UrlEncode(value));
  }
  return out;
}

std::string FieldsToJson(const FormFields& fields) {
  std::map<std::string_view, std::vector<std::string_view>> by_name;
  for (const auto& [name, value] : fields) by_name[name].push_back(value);
  JsonWriter json;
  json.BeginObject();
  for (const auto& [name, values] : by_name) {
    json.Key(name);
    if (values.size() == 1) {
      json.String(values[0]);
      continue;
    }
    json.BeginArray();
    for (const std::string_view value : values) json.String(value);
    json.EndArray();
  }
  return json.EndObject().Take();
}

std::optional<std::string> FormToJson(std::string_view form) {
  const FormFields fields = ParseForm(form);
  for (const auto& [name, value] : fields) {
    if (!IsStorable(name) || !IsStorable(value)) return std::nullopt;
  }
  return FieldsToJson(fields);
}

std::string_view QueryOf(std::string_view url) {
  url = url.substr(0, url.find('#'));
  const std::size_t mark = url.find('?');
  return mark == std::string_view::npos ? std::string_view{} : url.substr(mark + 1);
}

}  // namespace switchboard::core
