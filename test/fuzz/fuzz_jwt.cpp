// A token, and a file of keys, divided by the first NUL: no crash, no token is taken that nobody
// signed, and a taken token stays one.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "workers/core/crypto.hpp"
#include "workers/core/encoding.hpp"
#include "workers/core/errors.hpp"
#include "workers/core/jwt.hpp"

namespace core = switchboard::core;

namespace {

// No input holds this secret, nor anything signed by it; the RSA key is that of RFC 7515, A.2.
constexpr char kKeys[] =
    R"({"keys":[{"kty":"oct","kid":"s","k":"cFozdlEwbUpiN3Ixa1Q1eVg4dUMybkU2d0g5c0Q0Zkc"},)"
    R"({"kty":"RSA","kid":"r","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mP)"
    R"(ddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9w)"
    R"(Gzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3)"
    R"(qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}]})";
constexpr std::chrono::sys_seconds kNow{std::chrono::seconds{1300819000}};
// The signature of the only token that somebody did sign by that key.
constexpr std::string_view kVector = "cC4hiUPoj9Eetdgtv3hF80EGrhuB";

bool Taken(std::string_view token, const core::JwtKeys& keys) {
  return core::CheckJwt(token, keys, {}, kNow).refusal == nullptr;
}

// With a secret that is known the fuzzer gets past the signature.
void CheckSigned(std::string_view token) {
  static const std::string secret(32, 'k');
  const core::JwtKeys keys = core::JwtKeys::Parse(secret);
  const std::string_view head = token.substr(0, token.rfind('.'));
  const std::string signed_token =
      std::string(head) + "." +
      core::Base64UrlEncode(core::Hmac(core::HashKind::kSha256, secret, head));
  const auto jws = core::ParseJws(signed_token);
  const bool taken = Taken(signed_token, keys);
  if (taken && (!jws || core::FindString(jws->header, "alg") != "HS256")) __builtin_trap();
  if (taken && Taken(token.substr(0, token.size() / 2), keys)) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view token = text.substr(0, text.find('\0'));
  static const core::JwtKeys keys = core::JwtKeys::Parse(kKeys);
  if (token.find(kVector) == std::string_view::npos && Taken(token, keys)) __builtin_trap();
  CheckSigned(token);
  try {
    core::JwtKeys::Parse(text.substr(std::min(token.size() + 1, text.size())));
  } catch (const core::Error&) {
  }
  return 0;
}
