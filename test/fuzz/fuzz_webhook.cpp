// URL, headers and body, divided by line feeds: no crash, and nothing is accepted that nobody
// signed.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "workers/core/encoding.hpp"
#include "workers/core/errors.hpp"
#include "workers/core/retry_after.hpp"
#include "workers/core/webhook_signature.hpp"

namespace {

std::string_view TakeLine(std::string_view* text) {
  const std::string_view line = text->substr(0, text->find('\n'));
  text->remove_prefix(std::min(line.size() + 1, text->size()));
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace switchboard::core;
  std::string_view body(reinterpret_cast<const char*>(data), size);
  const std::string_view url = TakeLine(&body);
  const std::string_view headers = TakeLine(&body);
  const std::chrono::sys_seconds now{std::chrono::seconds{1767225600}};
  for (const char* provider : {"twilio", "vonage", "whatsapp", "webhook", "mtn"}) {
    try {
      // No input holds this secret, nor anything signed by it.
      const char* secret = "whsec_pZ3vQ0mJb7r1kT5yX8uC2nE6wH9sD4fG";
      if (WebhookSignatureOk(provider, secret, url, headers, body, now)) __builtin_trap();
    } catch (const Error&) {
    }
  }
  const FormFields fields = ParseForm(body);
  if (ParseForm(FormEncode(fields)).size() > fields.size()) __builtin_trap();
  ParseHttpDate(body);
  ParseRetryAfter(body, now);
  return 0;
}
