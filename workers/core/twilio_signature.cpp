#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "workers/core/crypto.hpp"
#include "workers/core/encoding.hpp"
#include "workers/core/webhook_request.hpp"

namespace switchboard::core {

namespace {

struct UrlParts {
  std::string_view scheme_and_user;  // https://user:pass@
  std::string_view host;
  std::string_view port;  // with its colon, or empty
  std::string_view rest;  // from the path on
  bool https = false;
};

UrlParts SplitUrl(std::string_view url) {
  UrlParts parts;
  parts.https = url.starts_with("https://");
  const std::size_t authority = url.find("://");
  const std::size_t begin = authority == std::string_view::npos ? 0 : authority + 3;
  const std::size_t end = std::min(url.find_first_of("/?#", begin), url.size());
  const std::size_t at_sign = url.substr(0, end).rfind('@');
  const std::size_t host = at_sign == std::string_view::npos ? begin : at_sign + 1;
  // The last colon, unless it belongs to an IPv6 address.
  const std::size_t colon = url.substr(0, end).rfind(':');
  const std::size_t bracket = url.substr(0, end).rfind(']');
  const bool in_brackets = bracket != std::string_view::npos && colon < bracket;
  const bool has_port = colon != std::string_view::npos && colon >= host && !in_brackets;
  const std::size_t host_end = has_port ? colon : end;
  parts.scheme_and_user = url.substr(0, host);
  parts.host = url.substr(host, host_end - host);
  parts.port = url.substr(host_end, end - host_end);
  parts.rest = url.substr(end);
  return parts;
}

std::string WithQuotesEncoded(std::string_view rest) {
  const std::size_t query = std::min(rest.find('?'), rest.size());
  std::string out(rest.substr(0, query));
  for (const char c : rest.substr(query)) {
    if (c == '\'') {
      out.append("%27");
    } else {
      out.push_back(c);
    }
  }
  return out;
}

// Twilio signs with the port or without it, and some apostrophes as %27: every form it may have
// meant.
std::vector<std::string> UrlForms(std::string_view url) {
  const UrlParts parts = SplitUrl(url);
  const std::string encoded = WithQuotesEncoded(parts.rest);
  std::vector<std::string> forms;
  for (const std::string_view port :
       {parts.port, std::string_view{}, std::string_view(parts.https ? ":443" : ":80")}) {
    const std::string head = std::string(parts.scheme_and_user).append(parts.host).append(port);
    forms.push_back(head + std::string(parts.rest));
    if (encoded != parts.rest) forms.push_back(head + encoded);
  }
  return forms;
}

// Sorted by name, then value; a repeated pair counts once.
std::string SignedParameters(std::string_view body) {
  FormFields fields = ParseForm(body);
  std::sort(fields.begin(), fields.end());
  fields.erase(std::unique(fields.begin(), fields.end()), fields.end());
  std::string text;
  for (const auto& [name, value] : fields) text.append(name).append(value);
  return text;
}

const std::string* FindField(const FormFields& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [name](const auto& field) { return field.first == name; });
  return found == fields.end() ? nullptr : &found->second;
}

}  // namespace

bool TwilioSignatureOk(std::string_view secret, const WebhookRequest& request) {
  const auto signature = Base64Decode(request.Header("x-twilio-signature"));
  if (!signature) return false;
  const FormFields query = ParseForm(QueryOf(request.url));
  const std::string* body_hash = FindField(query, "bodySHA256");
  std::string parameters;
  if (body_hash == nullptr) {
    parameters = SignedParameters(request.body);
  } else if (!ConstantTimeEqual(*body_hash, HexEncode(Hash(HashKind::kSha256, request.body)))) {
    return false;
  }
  bool ok = false;
  for (const std::string& form : UrlForms(request.url)) {
    ok |= ConstantTimeEqual(*signature, Hmac(HashKind::kSha1, secret, form + parameters));
  }
  return ok;
}

}  // namespace switchboard::core
