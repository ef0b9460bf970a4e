#pragma once
// JSON Web Tokens (RFC 7519) in compact form. Signed by HS256 or RS256 and by nothing else: the
// algorithm decides which keys are looked at, never what a key is used for.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workers/core/crypto.hpp"
#include "workers/core/json.hpp"

namespace switchboard::core {

inline constexpr std::size_t kMaxTokenBytes = 8 * 1024;

// A token taken apart; nothing of it is proved. The views live as long as the token.
struct Jws {
  Json header;
  Json claims;
  std::string_view signed_part;
  std::string signature;
};

// Nothing unless the text is three parts of base64url without padding, at most kMaxTokenBytes, and
// header and claims are JSON objects in which no name is given twice: two readers could disagree
// about such a name.
std::optional<Jws> ParseJws(std::string_view token);

// Whether the token says that it is signed by HS256 and is, with this secret. Constant time.
bool Hs256Fits(const Jws& token, std::string_view secret);

// The keys that tokens may be signed with.
class JwtKeys {
 public:
  // A JWK set or a single JWK (RFC 7517) with keys of type oct (at least 32 bytes) and RSA (at
  // least 2048 bits); keys of other types, for other algorithms or for encryption are passed over.
  // Any other text is one secret for HS256: a word of at least 32 printable characters. What looks
  // like JSON is never a secret, nor is a text of several words: half a file, a page that reports
  // an error or a public key in PEM must not become a secret that everybody knows.
  // Throws SB002 saying what is wrong, never showing a key.
  static JwtKeys Parse(std::string_view file);

  // Whether one of the keys signed the token: of its algorithm's type, and of the name that it
  // gives (kid) if both have one.
  bool Signed(const Jws& token) const;

  std::size_t size() const { return keys_.size(); }

 private:
  struct Key {
    std::string id;
    std::string secret;               // of HS256
    std::optional<RsaPublicKey> rsa;  // of RS256
  };
  static std::optional<Key> ReadKey(const JsonValue& jwk);

  std::vector<Key> keys_;
};

// What tokens must say. Without an audience of ours, a token that names one is not for us.
struct JwtPolicy {
  std::vector<std::string> audience;  // one of these
  std::string issuer;                 // empty: any
  std::chrono::seconds leeway{30};    // how far clocks may be apart
};

// The claims of a good token; else why it is refused, in words for whoever sent it. Nothing is told
// of a token that is not signed by one of the keys.
struct JwtVerdict {
  const char* refusal = nullptr;
  Json claims;
};
JwtVerdict CheckJwt(std::string_view token, const JwtKeys& keys, const JwtPolicy& policy,
                    std::chrono::sys_seconds now);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
