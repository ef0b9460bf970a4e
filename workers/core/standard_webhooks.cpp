#include "workers/core/standard_webhooks.hpp"

#include <charconv>
#include <cstdint>
#include <optional>
#include <vector>

#include "workers/core/crypto.hpp"
#include "workers/core/encoding.hpp"
#include "workers/core/errors.hpp"

namespace switchboard::core {

namespace {

constexpr std::string_view kSecretPrefix = "whsec_";
constexpr std::string_view kVersion = "v1,";
constexpr std::size_t kLeastKeyBytes = 16;

std::vector<std::string_view> Words(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> words;
  for (;;) {
    const std::size_t begin = text.find_first_not_of(separators);
    if (begin == std::string_view::npos) return words;
    text.remove_prefix(begin);
    words.push_back(text.substr(0, text.find_first_of(separators)));
    text.remove_prefix(words.back().size());
  }
}

std::optional<std::string> KeyOf(std::string_view secret) {
  if (secret.starts_with(kSecretPrefix)) secret.remove_prefix(kSecretPrefix.size());
  auto key = Base64Decode(secret);
  if (!key || key->size() < kLeastKeyBytes) return std::nullopt;
  return key;
}

std::vector<std::string_view> SplitSecrets(std::string_view secrets) {
  return Words(secrets, " \t\r\n,");
}

std::string SignatureBy(std::string_view key, std::string_view id, std::string_view timestamp,
                        std::string_view body) {
  std::string content;
  content.reserve(id.size() + timestamp.size() + body.size() + 2);
  content.append(id).append(".").append(timestamp).append(".").append(body);
  return Base64Encode(Hmac(HashKind::kSha256, key, content));
}

}  // namespace

bool IsFreshTimestamp(std::string_view unix_seconds, std::chrono::sys_seconds now) {
  std::int64_t value = 0;
  const char* end = unix_seconds.data() + unix_seconds.size();
  const auto [rest, error] = std::from_chars(unix_seconds.data(), end, value);
  if (error != std::errc{} || rest != end || value < 0) return false;
  const std::int64_t today = now.time_since_epoch().count();
  const std::int64_t off = value > today ? value - today : today - value;
  return off <= kSignatureTolerance.count();
}

std::string SignStandardWebhook(std::string_view secrets, std::string_view id,
                                std::chrono::sys_seconds timestamp, std::string_view body) {
  const std::string seconds = std::to_string(timestamp.time_since_epoch().count());
  std::string header;
  for (const std::string_view secret : SplitSecrets(secrets)) {
    const auto key = KeyOf(secret);
    if (!key) {
      throw NotConfigured("the signing secret is not usable",
                          "It is written whsec_ and the base64 of 24 to 64 random bytes.");
    }
    if (!header.empty()) header.push_back(' ');
    header.append(kVersion).append(SignatureBy(*key, id, seconds, body));
  }
  if (header.empty()) throw NotConfigured("the signing secret is missing");
  return header;
}

bool StandardWebhookOk(std::string_view secrets, std::string_view id, std::string_view timestamp,
                       std::string_view signatures, std::string_view body,
                       std::chrono::sys_seconds now) {
  if (id.empty() || !IsFreshTimestamp(timestamp, now)) return false;
  bool ok = false;
  for (const std::string_view secret : SplitSecrets(secrets)) {
    const auto key = KeyOf(secret);
    if (!key) continue;
    const std::string expected = SignatureBy(*key, id, timestamp, body);
    for (std::string_view entry : Words(signatures, " ")) {
      if (!entry.starts_with(kVersion)) continue;
      entry.remove_prefix(kVersion.size());
      ok |= ConstantTimeEqual(entry, expected);
    }
  }
  return ok;
}

}  // namespace switchboard::core
