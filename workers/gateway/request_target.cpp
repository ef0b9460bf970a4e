#include "workers/gateway/request_target.hpp"

#include <algorithm>
#include <utility>

#include "workers/core/encoding.hpp"
#include "workers/core/utf8.hpp"

namespace switchboard::gateway {
namespace {

// "http://host/path?query" without what stands before the path.
std::string_view OriginForm(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.starts_with(scheme)) {
      const std::size_t path = target.find('/', scheme.size());
      return path == std::string_view::npos ? "/" : target.substr(path);
    }
  }
  return target;
}

}  // namespace

std::optional<RequestTarget> ParseTarget(std::string_view target) {
  RequestTarget parsed;
  parsed.exact = OriginForm(target);
  if (!parsed.exact.starts_with('/')) {
    return std::nullopt;
  }
  parsed.path = core::UrlDecode(parsed.exact.substr(0, parsed.exact.find_first_of("?#")), false);
  auto query = core::FormToJson(core::QueryOf(parsed.exact));
  if (!core::IsStorable(parsed.path) || !query) {
    return std::nullopt;
  }
  parsed.query_json = std::move(*query);
  return parsed;
}

bool IsRequestId(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

}  // namespace switchboard::gateway
