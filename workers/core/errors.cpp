#include "workers/core/errors.hpp"

#include <utility>

#include "workers/core/utf8.hpp"

namespace switchboard::core {

namespace {
constexpr std::size_t kMaxQuotedBytes = 80;
}

Error::Error(std::string_view sqlstate, const std::string& message, std::string hint,
             std::string detail)
    : std::runtime_error(message),
      sqlstate_(sqlstate),
      detail_(std::move(detail)),
      hint_(std::move(hint)) {}

std::string Quoted(std::string_view value) {
  std::string out = "\"";
  std::size_t at = 0;
  while (at < value.size() && out.size() <= kMaxQuotedBytes) {
    const Utf8Char c = DecodeUtf8(value.substr(at));
    if (c.valid && c.code_point >= 0x20 && c.code_point != 0x7f) {
      out.append(value.substr(at, c.length));
    } else {
      out.push_back('?');
    }
    at += c.length;
  }
  out += at < value.size() ? "...\"" : "\"";
  return out;
}

Error BadPhone(std::string_view raw, std::string hint) {
  return Error(sqlstate::kBadPhone, "not a phone number: " + Quoted(raw), std::move(hint));
}

Error BadArgument(const std::string& message, std::string hint) {
  return Error(sqlstate::kInvalidParameter, message, std::move(hint));
}

Error LimitExceeded(const std::string& message, std::string hint) {
  return Error(sqlstate::kLimitExceeded, message, std::move(hint));
}

Error MissingVariable(std::string_view name) {
  return Error(sqlstate::kMissingVariable, "template variable " + Quoted(name) + " is missing",
               "Pass it in the variables, or guard it with a section.");
}

Error UnknownProvider(std::string_view name) {
  return Error(sqlstate::kUnknownProvider, "unknown provider " + Quoted(name),
               "Known providers are twilio, vonage, voipstudio, whatsapp, mtn, omnidimension, "
               "openai, asterisk and webhook.");
}

Error MissingComponent(const std::string& message, std::string hint) {
  return Error(sqlstate::kMissingComponent, message, std::move(hint));
}

Error NotConfigured(const std::string& message, std::string hint) {
  return Error(sqlstate::kNotConfigured, message, std::move(hint));
}

}  // namespace switchboard::core
