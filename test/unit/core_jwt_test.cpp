#include "workers/core/jwt.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "test/unit/core_expect.hpp"
#include "test/unit/rsa_test_key.hpp"
#include "workers/core/encoding.hpp"
#include "workers/core/jwt_key_file.hpp"

namespace switchboard::core {
namespace {

namespace fs = std::filesystem;
using test::TestRsaPair;

std::chrono::sys_seconds At(std::int64_t seconds) {
  return std::chrono::sys_seconds{std::chrono::seconds{seconds}};
}

// RFC 7515, appendix A.1 and A.2, with the claims of RFC 7519, section 3.1.
const std::string kRfcClaims =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlf"
    "Q";
const std::string kRfcHs256 = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + kRfcClaims +
                              ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const std::string kRfcSecret =
    R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})";
const std::string kRfcRs256 =
    "eyJhbGciOiJSUzI1NiJ9." + kRfcClaims +
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
    "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L"
    "07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUi"
    "pUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const std::string kRfcRsaKey =
    R"({"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"})";
constexpr std::int64_t kRfcTime = 1300819000;
// RFC 7519, section 6.1.
const std::string kRfcUnsecured = "eyJhbGciOiJub25lIg0KfQ." + kRfcClaims + ".";

constexpr std::int64_t kNow = 1800000000;
const std::string kSecret = "0123456789abcdef0123456789abcdef";

std::string Hs256(const std::string& header, const std::string& claims,
                  const std::string& secret = kSecret) {
  const std::string head = Base64UrlEncode(header) + "." + Base64UrlEncode(claims);
  return head + "." + Base64UrlEncode(Hmac(HashKind::kSha256, secret, head));
}

std::string Rs256(const std::string& header, const std::string& claims,
                  const test::RsaPair& pair = TestRsaPair()) {
  const std::string head = Base64UrlEncode(header) + "." + Base64UrlEncode(claims);
  return head + "." + Base64UrlEncode(*SignRs256(pair.private_pem, head));
}

std::string Jwk(const test::RsaPair& pair, const std::string& more = "") {
  return R"({"kty":"RSA","n":")" + Base64UrlEncode(pair.modulus) + R"(","e":")" +
         Base64UrlEncode(pair.exponent) + "\"" + more + "}";
}

std::string OctJwk(const std::string& secret, const std::string& more = "") {
  return R"({"kty":"oct","k":")" + Base64UrlEncode(secret) + "\"" + more + "}";
}

std::string Set(const std::vector<std::string>& keys) {
  std::string text;
  for (const std::string& key : keys) text += (text.empty() ? "" : ",") + key;
  return R"({"keys":[)" + text + "]}";
}

// "" for a token that is taken.
std::string Refusal(const std::string& token, const std::string& keys, const JwtPolicy& policy = {},
                    std::int64_t now = kNow) {
  const JwtVerdict verdict = CheckJwt(token, JwtKeys::Parse(keys), policy, At(now));
  return verdict.refusal == nullptr ? "" : verdict.refusal;
}

const std::string kUnproved = "the token is not signed by a key that is known here";
const std::string kHsHeader = R"({"alg":"HS256","typ":"JWT"})";
const std::string kGoodClaims = R"({"exp":1800000060})";

TEST(Jwt, AcceptsTheVectorsOfTheRfcs) {
  EXPECT_EQ(Refusal(kRfcHs256, kRfcSecret, {}, kRfcTime), "");
  EXPECT_EQ(Refusal(kRfcRs256, kRfcRsaKey, {}, kRfcTime), "");
  EXPECT_EQ(Refusal(kRfcRs256, Set({kRfcSecret, kRfcRsaKey}), {}, kRfcTime), "");
  EXPECT_EQ(Refusal(kRfcHs256, Set({kRfcSecret, kRfcRsaKey}), {{}, "joe"}, kRfcTime), "");
  EXPECT_EQ(Refusal(kRfcHs256, kRfcSecret, {}, 1300819380 + 29), "");
  EXPECT_EQ(Refusal(kRfcHs256, kRfcSecret, {}, 1300819380 + 30), "the token has expired");
}

TEST(Jwt, RefusesTheVectorsWhenAnyCharacterIsChanged) {
  for (const auto& [token, keys] :
       {std::pair{kRfcHs256, kRfcSecret}, std::pair{kRfcRs256, kRfcRsaKey}}) {
    const JwtKeys parsed = JwtKeys::Parse(keys);
    for (std::size_t i = 0; i < token.size(); ++i) {
      std::string changed = token;
      changed[i] = changed[i] == 'A' ? 'B' : 'A';
      EXPECT_NE(CheckJwt(changed, parsed, {}, At(kRfcTime)).refusal, nullptr) << i;
    }
    for (const std::string& changed : {token + "A", token + "=", token + " ", " " + token,
                                       token.substr(1), token.substr(0, token.size() - 1)}) {
      EXPECT_NE(CheckJwt(changed, parsed, {}, At(kRfcTime)).refusal, nullptr) << changed;
    }
  }
}

TEST(Jwt, RefusesTokensWithoutASignature) {
  const std::string claims = Base64UrlEncode(kGoodClaims);
  EXPECT_EQ(Refusal(kRfcUnsecured, kRfcSecret, {}, kRfcTime), kUnproved);
  for (const char* alg : {"none", "None", "NONE", "nOnE", "", "HS256 ", "hs256", "HS384", "HS512",
                          "RS384", "PS256", "ES256", "EdDSA"}) {
    const std::string header = std::string(R"({"alg":")") + alg + "\"}";
    EXPECT_EQ(Refusal(Hs256(header, kGoodClaims), kSecret), kUnproved) << alg;
    EXPECT_EQ(Refusal(Rs256(header, kGoodClaims), Jwk(TestRsaPair())), kUnproved) << alg;
    EXPECT_EQ(Refusal(Base64UrlEncode(header) + "." + claims + ".", kSecret), kUnproved) << alg;
  }
  EXPECT_EQ(Refusal(Base64UrlEncode(kHsHeader) + "." + claims + ".", kSecret), kUnproved);
  for (const char* header : {"{}", R"({"alg":null})", R"({"alg":["HS256"]})", "[]", "\"HS256\""}) {
    EXPECT_EQ(Refusal(Hs256(header, kGoodClaims), kSecret), kUnproved) << header;
  }
}

// What everybody knows of an RSA key must not do as a secret.
TEST(Jwt, APublicKeyIsNoSecret) {
  const test::RsaPair& pair = TestRsaPair();
  const std::string key = Jwk(pair, R"(,"kid":"a")");
  for (const std::string& secret : {pair.public_pem, pair.modulus, Base64UrlEncode(pair.modulus),
                                    key, Set({key}), std::string()}) {
    EXPECT_EQ(Refusal(Hs256(kHsHeader, kGoodClaims, secret), Set({key})), kUnproved);
    EXPECT_EQ(Refusal(Hs256(R"({"alg":"HS256","kid":"a"})", kGoodClaims, secret), Set({key})),
              kUnproved);
  }
  EXPECT_EQ(Refusal(Rs256(R"({"alg":"RS256"})", kGoodClaims), Set({key, OctJwk(kSecret)})), "");
  EXPECT_SB_ERROR(JwtKeys::Parse(pair.public_pem), sqlstate::kNotConfigured, "neither");
}

TEST(Jwt, AKeyThatIsNamedMustBeThatKey) {
  const std::string other = "ffffffffffffffffffffffffffffffff";
  const std::string keys = Set({OctJwk(kSecret, R"(,"kid":"a")"), OctJwk(other, R"(,"kid":"b")")});
  const auto with = [](const std::string& kid) { return R"({"alg":"HS256","kid":)" + kid + "}"; };
  EXPECT_EQ(Refusal(Hs256(with("\"a\""), kGoodClaims), keys), "");
  EXPECT_EQ(Refusal(Hs256(with("\"b\""), kGoodClaims, other), keys), "");
  EXPECT_EQ(Refusal(Hs256(kHsHeader, kGoodClaims, other), keys), "");
  EXPECT_EQ(Refusal(Hs256(with("\"b\""), kGoodClaims), keys), kUnproved);
  for (const char* kid : {"\"c\"", "\"\"", "1", "null", "[\"a\"]", "\"A\""}) {
    EXPECT_EQ(Refusal(Hs256(with(kid), kGoodClaims), keys), kUnproved) << kid;
  }
  // A secret without a name cannot be told apart by it.
  EXPECT_EQ(Refusal(Hs256(with("\"a\""), kGoodClaims), kSecret), "");
  EXPECT_EQ(Refusal(Rs256(with("\"a\""), kGoodClaims), Jwk(TestRsaPair(), R"(,"kid":"a")")),
            kUnproved);
}

TEST(Jwt, RefusesAnotherKeyOfTheSameType) {
  EXPECT_EQ(Refusal(Hs256(kHsHeader, kGoodClaims, kSecret + "x"), kSecret), kUnproved);
  EXPECT_EQ(Refusal(Rs256(R"({"alg":"RS256"})", kGoodClaims), Jwk(test::MakeRsaPair(2048))),
            kUnproved);
}

TEST(Jwt, RefusesWhatItDoesNotUnderstand) {
  for (const char* header :
       {R"({"alg":"HS256","crit":["exp"]})", R"({"alg":"HS256","crit":[]})",
        R"({"alg":"HS256","b64":false})", R"({"alg":"HS256","b64":true,"crit":["b64"]})",
        R"({"alg":"HS256","typ":"logout+jwt"})", R"({"alg":"HS256","typ":"secevent+jwt"})",
        R"({"alg":"HS256","typ":1})", R"({"alg":"HS256","alg":"HS256"})",
        R"({"alg":"none","alg":"HS256"})", R"({"alg":"HS256","x":{"a":1,"a":2}})"}) {
    EXPECT_EQ(Refusal(Hs256(header, kGoodClaims), kSecret), kUnproved) << header;
  }
  for (const char* header :
       {R"({"alg":"HS256","typ":"at+JWT"})", R"({"alg":"HS256","typ":"application/at+jwt"})",
        R"({"alg":"HS256","jku":"https://evil.example","x5c":["x"]})"}) {
    EXPECT_EQ(Refusal(Hs256(header, kGoodClaims), kSecret), "") << header;
  }
  for (const char* claims :
       {R"({"exp":1800000060,"exp":1800000061})", R"({"exp":1800000060,"a":[{"b":1,"b":1}]})", "[]",
        "\"x\"", "", "{", R"({"exp":1800000060}x)", "\xff"}) {
    EXPECT_EQ(Refusal(Hs256(kHsHeader, claims), kSecret), kUnproved) << claims;
  }
}

TEST(Jwt, RefusesMalformedTokensOfAnySize) {
  const std::string good = Hs256(kHsHeader, kGoodClaims);
  for (const std::string& token :
       {std::string(), std::string("."), std::string(".."), std::string("a.b"), good + ".",
        "." + good, good + "." + good, std::string(20000, 'a'), std::string(20000, '.'),
        std::string("%.%.%"), std::string("\0.\0.\0", 5)}) {
    EXPECT_EQ(Refusal(token, kSecret), kUnproved);
  }
  const auto padded = [](std::size_t n) {
    return Hs256(kHsHeader, R"({"exp":1800000060,"x":")" + std::string(n, 'x') + "\"}");
  };
  EXPECT_EQ(Refusal(padded(5000), kSecret), "");
  EXPECT_EQ(Refusal(padded(7000), kSecret), kUnproved);
  const std::string deep =
      R"({"exp":1800000060,"x":)" + std::string(40, '[') + std::string(40, ']');
  EXPECT_EQ(Refusal(Hs256(kHsHeader, deep + "}"), kSecret), kUnproved);
}

TEST(Jwt, ChecksTimes) {
  const std::string early = "the token is not valid yet";
  const std::string late = "the token has expired";
  const std::string never = "the token does not say when it expires";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({})", never},
      {R"({"exp":null})", never},
      {R"({"exp":"1800000060"})", never},
      {R"({"exp":1799999971})", ""},
      {R"({"exp":1799999970})", late},
      {R"({"exp":1799999970.5})", ""},
      {R"({"exp":0})", late},
      {R"({"exp":-1e300})", late},
      {R"({"exp":1e300})", ""},
      {R"({"exp":1800000060,"nbf":1800000030})", ""},
      {R"({"exp":1800000060,"nbf":1800000031})", early},
      {R"({"exp":1800000060,"nbf":"0"})", early},
      {R"({"exp":1800000060,"nbf":null})", early},
      {R"({"exp":1800000060,"iat":1800000030})", ""},
      {R"({"exp":1800000060,"iat":1800000031})", early},
      {R"({"exp":1800000060,"iat":{}})", early}};
  for (const auto& [claims, refusal] : cases) {
    EXPECT_EQ(Refusal(Hs256(kHsHeader, claims), kSecret), refusal) << claims;
  }
}

TEST(Jwt, ChecksAudienceAndIssuer) {
  const std::string other = "the token is for another audience";
  const auto claims = [](const std::string& aud) {
    return R"({"exp":1800000060,"aud":)" + aud + "}";
  };
  const JwtPolicy ours{{"switchboard", "api"}, ""};
  for (const char* aud : {R"("switchboard")", R"(["x","api"])", R"([1,null,"api"])"}) {
    EXPECT_EQ(Refusal(Hs256(kHsHeader, claims(aud)), kSecret, ours), "") << aud;
    EXPECT_EQ(Refusal(Hs256(kHsHeader, claims(aud)), kSecret), other) << aud;
  }
  for (const char* aud : {R"("x")", R"("Switchboard")", R"("switchboard ")", "[]", "null", "1",
                          "{}", R"([["api"]])", R"("switchboard, api")", R"("")"}) {
    EXPECT_EQ(Refusal(Hs256(kHsHeader, claims(aud)), kSecret, ours), other) << aud;
  }
  EXPECT_EQ(Refusal(Hs256(kHsHeader, kGoodClaims), kSecret, ours), other);
  const JwtPolicy from{{}, "https://id.example"};
  for (const char* iss : {"\"https://id.example/\"", "\"\"", "null", "[\"https://id.example\"]"}) {
    const std::string text = std::string(R"({"exp":1800000060,"iss":)") + iss + "}";
    EXPECT_EQ(Refusal(Hs256(kHsHeader, text), kSecret, from), "the token is from another issuer");
    EXPECT_EQ(Refusal(Hs256(kHsHeader, text), kSecret), "") << iss;
  }
  EXPECT_EQ(
      Refusal(Hs256(kHsHeader, R"({"exp":1800000060,"iss":"https://id.example"})"), kSecret, from),
      "");
}

// A known secret would let anybody make tokens.
TEST(JwtKeys, WhatIsNoKeyDoesNotBecomeASecret) {
  for (const char* file :
       {"", "short", "0123456789abcdef0123456789abcde", "0123456789abcdef 123456789abcdef",
        "<!DOCTYPE html><html><body>404 Not Found</body></html>",
        R"({"keys":[{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd)",
        R"(  {"keys":"0123456789abcdef0123456789abcdef"})", R"("0123456789abcdef0123456789abcdef")",
        R"(["0123456789abcdef0123456789abcdef"])",
        R"({"error":"0123456789abcdef0123456789abcdef"})", R"({"keys":[]})", R"({"keys":[1]})",
        R"({"keys":[{"kty":"EC","crv":"P-256"}]})", R"({"keys":[],"keys":[]})"}) {
    SCOPED_TRACE(file);
    EXPECT_SB_ERROR(JwtKeys::Parse(file), sqlstate::kNotConfigured, "");
  }
  EXPECT_EQ(JwtKeys::Parse(kSecret).size(), 1u);
}

TEST(JwtKeys, RefusesWeakAndBrokenKeys) {
  const auto refused = [](const std::string& jwk, const std::string& text) {
    EXPECT_SB_ERROR(JwtKeys::Parse(Set({jwk})), sqlstate::kNotConfigured, text);
  };
  refused(OctJwk(kSecret.substr(1)), "31 bytes");
  refused(R"({"kty":"oct"})", "\"k\"");
  refused(R"({"kty":"oct","k":"***"})", "\"k\"");
  refused(Jwk(test::MakeRsaPair(1024)), "1024 bits");
  refused(R"({"kty":"RSA","e":"AQAB"})", "\"n\"");
  for (const char* exponent : {"", "AQ", "Ag", "AA", "AQAAAAAAAAAAAQ"}) {
    refused(R"({"kty":"RSA","n":")" + Base64UrlEncode(TestRsaPair().modulus) + R"(","e":")" +
                exponent + "\"}",
            "cannot be read");
  }
  refused(R"({"kty":"RSA","n":")" + Base64UrlEncode(std::string(1100, '\xff')) + R"(","e":"AQAB"})",
          "8800 bits");
}

TEST(JwtKeys, PassesOverKeysForOtherThings) {
  const test::RsaPair& pair = TestRsaPair();
  const std::string good = Jwk(pair, R"(,"use":"sig","key_ops":["sign","verify"],"alg":"RS256")");
  const auto size = [&](const std::string& other) {
    return JwtKeys::Parse(Set({good, other})).size();
  };
  EXPECT_EQ(size(R"({"kty":"EC"})"), 1u);
  EXPECT_EQ(size(R"({"kty":"OKP","crv":"Ed25519","x":"x"})"), 1u);
  EXPECT_EQ(size(Jwk(pair, R"(,"use":"enc")")), 1u);
  EXPECT_EQ(size(Jwk(pair, R"(,"alg":"PS256")")), 1u);
  EXPECT_EQ(size(Jwk(pair, R"(,"key_ops":["encrypt"])")), 1u);
  EXPECT_EQ(size(OctJwk(kSecret, R"(,"alg":"HS512")")), 1u);
  EXPECT_EQ(size(OctJwk(kSecret)), 2u);
}

class KeyFolder {
 public:
  KeyFolder() : path_(fs::temp_directory_path() / ("sb-jwt-" + std::to_string(getpid()))) {
    fs::create_directory(path_);
  }
  ~KeyFolder() { fs::remove_all(path_); }
  void Write(const std::string& text) const { std::ofstream(path_ / "keys") << text; }
  void Remove() const { fs::remove(path_ / "keys"); }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

TEST(JwtKeyFile, FollowsTheFileAndKeepsNothingThatIsGone) {
  const KeyFolder folder;
  JwtKeyFile file;
  const std::string token = Hs256(kHsHeader, kGoodClaims);
  const auto taken = [&] {
    return CheckJwt(token, file.Get("keys", folder.path()), {}, At(kNow)).refusal == nullptr;
  };
  EXPECT_SB_ERROR(file.Get("keys", folder.path()), sqlstate::kNotConfigured, "keys");
  folder.Write(kSecret + "\n");
  EXPECT_TRUE(taken());
  // The same size within the same instant.
  folder.Write("ffffffffffffffffffffffffffffffff\n");
  EXPECT_FALSE(taken());
  folder.Write(Set({OctJwk(kSecret)}));
  EXPECT_TRUE(taken());
  folder.Write("{");
  EXPECT_SB_ERROR(file.Get("keys", folder.path()), sqlstate::kNotConfigured, "JSON");
  folder.Write(kSecret);
  EXPECT_TRUE(taken());
  folder.Remove();
  EXPECT_SB_ERROR(file.Get("keys", folder.path()), sqlstate::kNotConfigured, "keys");
  EXPECT_SB_ERROR(file.Get("../keys", folder.path()), sqlstate::kNotConfigured, "bad");
  EXPECT_SB_ERROR(file.Get("/etc/hostname", folder.path()), sqlstate::kNotConfigured, "bad");
}

}  // namespace
}  // namespace switchboard::core
