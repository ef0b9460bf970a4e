#include "workers/gateway/response_headers.hpp"

namespace switchboard::gateway {

HeaderList SecurityHeaders(Content content, const Client& client) {
  HeaderList headers = {
      {"X-Content-Type-Options", "nosniff"},
      {"Referrer-Policy", "no-referrer"},
      {"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
  };
  if (content == Content::kPage) {
    headers.emplace_back("Content-Security-Policy",
                         "default-src 'none'; script-src 'self'; style-src 'self'; "
                         "img-src 'self' data:; font-src 'self'; connect-src 'self'; "
                         "manifest-src 'self'; base-uri 'none'; form-action 'none'; "
                         "frame-ancestors 'none'");
    headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
    headers.emplace_back("Cache-Control", "no-cache");
  } else {
    headers.emplace_back("Content-Security-Policy",
                         "default-src 'none'; base-uri 'none'; form-action 'none'; "
                         "frame-ancestors 'none'");
    headers.emplace_back("Cache-Control", "no-store");
  }
  if (client.proto == "https") {
    headers.emplace_back("Strict-Transport-Security", "max-age=31536000");
  }
  return headers;
}

}  // namespace switchboard::gateway
