#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "test/unit/core_expect.hpp"
#include "workers/core/crypto.hpp"
#include "workers/core/encoding.hpp"
#include "workers/core/json.hpp"
#include "workers/core/standard_webhooks.hpp"
#include "workers/core/webhook_signature.hpp"

namespace switchboard::core {
namespace {

std::chrono::sys_seconds At(std::int64_t seconds) {
  return std::chrono::sys_seconds{std::chrono::seconds{seconds}};
}

std::string Header(const std::string& name, const std::string& value) {
  return "{" + JsonQuote(name) + ":" + JsonQuote(value) + "}";
}

// ----------------------------------------------------------------------------------------------
// Twilio

bool Twilio(const std::string& token, const std::string& url, const std::string& signature,
            const std::string& body) {
  return WebhookSignatureOk("twilio", token, url, Header("X-Twilio-Signature", signature), body,
                            At(0));
}

struct TwilioCase {
  std::string url;
  std::string body;
  std::string signature;
};

const std::string kForm =
    "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%"
    "2B18005551212";
const std::string kUrl = "https://mycompany.com/myapp.php?foo=1&bar=2";
const std::string kJson = R"({"property": "value", "boolean": true})";
const std::string kJsonHash = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
const std::string kEmptyHash = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

std::vector<TwilioCase> TwilioCases() {
  const std::string binding =
      "MessagingBinding.Address=%2B1325xxxxxxx&MessagingBinding.Address=%2B1415xxxxxxx";
  return {
      {kUrl, kForm, "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
      {"https://mycompany.com:1234/myapp.php?foo=1&bar=2", kForm, "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
      {kUrl, kForm, "kvajT1Ptam85bY51eRf/AJRuM3w="},
      {"http://mycompany.com:1234/myapp.php?foo=1&bar=2", kForm, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="},
      {"http://mycompany.com/myapp.php?foo=1&bar=2", kForm, "0ZXoZLH/DfblKGATFgpif+LLRf4="},
      {"https://user:pass@mycompany.com/myapp.php?foo=1&bar=2", kForm,
       "CukzLTc1tT5dXEDIHm/tKBanW10="},
      {"https://user@mycompany.com/myapp.php?foo=1&bar=2", kForm, "2YRLlVAflCqxaNicjMpJcSTgzSs="},
      {"https://user:pass@mycompany.com/myapp.php?foo=1&bar=2", kForm,
       "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI="},
      {kUrl + "&Body=It's+amazing", kForm, "TfZzewPq8wqrGlMfyAud8+/IvJ0="},
      {kUrl, "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234",
       "IK+Dwps556ElfBT0I3Rgjkr1wJU="},
      {kUrl, binding, "83O6e2vORAoJHUNzJjDWN1jz+BA="},
      {kUrl + "&bodySHA256=" + kJsonHash, kJson, "a9nBmqA0ju/hNViExpshrM61xv4="},
      {"https://mycompany.com/myapp.php?bodySHA256=" + kJsonHash, kJson,
       "y77kIzt2vzLz71DgmJGsen2scGs="},
      {kUrl + "&bodySHA256=" + kEmptyHash, "{}", "Ldidvp12m26NI7eqEvxnEpkd9Hc="},
      {"https://example.com/hooks/twilio/message?account=7",
       "SmsMessageSid=SM00000000000000000000000000000001&NumMedia=0&Body=Hell%C3%B6+%2B1+%26+ok&"
       "MediaUrl0=&From="
       "whatsapp%3A%2B15005550006&To=whatsapp%3A%2B15005550009",
       "a3/opcYuSuSPeXvr2TSzq+7EIW0="},
  };
}

// Every byte of text, changed in turn.
template <class Try>
void ExpectRefusedWhenChanged(const std::string& text, Try try_with) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(try_with(changed)) << changed;
  }
}

TEST(TwilioSignature, OfficialVectorsAreAccepted) {
  for (const TwilioCase& c : TwilioCases()) {
    EXPECT_TRUE(Twilio("12345", c.url, c.signature, c.body)) << c.url << " " << c.signature;
  }
}

TEST(TwilioSignature, AnythingChangedIsRefused) {
  for (const TwilioCase& c : TwilioCases()) {
    EXPECT_FALSE(Twilio("12346", c.url, c.signature, c.body));
    ExpectRefusedWhenChanged(
        c.signature, [&](const std::string& s) { return Twilio("12345", c.url, s, c.body); });
    ExpectRefusedWhenChanged(
        c.body, [&](const std::string& b) { return Twilio("12345", c.url, c.signature, b); });
    EXPECT_FALSE(Twilio("12345", c.url, c.signature, c.body + "&Extra=1")) << c.url;
    EXPECT_FALSE(Twilio("12345", c.url + "x", c.signature, c.body));
  }
}

TEST(TwilioSignature, EveryByteOfTheUrlCounts) {
  for (const TwilioCase& c : TwilioCases()) {
    // A port is signed or left out, at Twilio's choice: only what is around it is tried.
    const std::size_t path = c.url.find('/', c.url.find("://") + 3);
    ExpectRefusedWhenChanged(c.url.substr(path + 1), [&](const std::string& rest) {
      return Twilio("12345", c.url.substr(0, path + 1) + rest, c.signature, c.body);
    });
    EXPECT_FALSE(Twilio("12345", "https://other.com" + c.url.substr(path), c.signature, c.body));
  }
}

TEST(TwilioSignature, AUrlSignatureDoesNotCoverABody) {
  const std::string signature = Base64Encode(Hmac(HashKind::kSha1, "12345", kUrl));
  EXPECT_TRUE(Twilio("12345", kUrl, signature, ""));
  EXPECT_FALSE(Twilio("12345", kUrl, signature, "CallStatus=completed"));
  EXPECT_FALSE(Twilio("12345", kUrl, signature, kJson));
}

TEST(TwilioSignature, HostsWithPortsAndBracketsKeepTheirShape) {
  for (const char* url : {"https://[2001:db8::1]/x", "https://[2001:db8::1]:8443/x",
                          "https://h/x?u=http://a:1/", "https://h", "h", ""}) {
    const std::string signature = Base64Encode(Hmac(HashKind::kSha1, "12345", url));
    EXPECT_TRUE(Twilio("12345", url, signature, "")) << url;
  }
}

// ----------------------------------------------------------------------------------------------
// Vonage

const std::string kVonageSecret = "qwertyuiopasdfghjklzxcvbnm123456";
const std::string kVonageBody =
    R"({"message_uuid":"aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab","status":"delivered"})";
const std::string kVonageToken =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    "eyJpYXQiOjE1ODc0OTQ5NjIsImp0aSI6ImM1YmE4ZjI0LTFhMTQtNGMxMC1iZmRmLTNm"
    "YmU4Y2U1MTFiNSIsImlzcyI6IlZvbmFnZSIsInBheWxvYWRfaGFzaCI6ImQ1ZWNiYzdhYjc3YjM3NmIyY2Y2MzVhNjg2OW"
    "Q0ZGJiMTUz"
    "MjIxNzVmOTViNWMxOTI2MGEyN2Y2MjE3ZTRlZmYiLCJhcGlfa2V5IjoiYTFiMmMzZCIsImFwcGxpY2F0aW9uX2lkIjoiYW"
    "FhYWFhYWEtYmJi"
    "Yi1jY2NjLWRkZGQtMDEyMzQ1Njc4OWFiIn0.zIys3eJFFusERPW6AvasALWQD0iatkr6-2I43Zf5bWg";
constexpr std::int64_t kVonageTime = 1587494962;

bool VonageJwt(const std::string& secret, const std::string& token, const std::string& body,
               std::int64_t now) {
  return WebhookSignatureOk("vonage", secret, "https://h/x",
                            Header("authorization", "Bearer " + token), body, At(now));
}

std::string Jwt(const std::string& header, const std::string& claims) {
  const std::string head = Base64UrlEncode(header) + "." + Base64UrlEncode(claims);
  return head + "." + Base64UrlEncode(Hmac(HashKind::kSha256, kVonageSecret, head));
}

TEST(VonageJwt, AcceptsTheVectorAndNothingElse) {
  EXPECT_TRUE(VonageJwt(kVonageSecret, kVonageToken, kVonageBody, kVonageTime));
  EXPECT_TRUE(VonageJwt(kVonageSecret, kVonageToken, kVonageBody, kVonageTime + 300));
  EXPECT_FALSE(VonageJwt(kVonageSecret, kVonageToken, kVonageBody, kVonageTime + 301));
  EXPECT_FALSE(VonageJwt(kVonageSecret, kVonageToken, kVonageBody, kVonageTime - 301));
  EXPECT_FALSE(VonageJwt(kVonageSecret + "x", kVonageToken, kVonageBody, kVonageTime));
  ExpectRefusedWhenChanged(kVonageBody, [](const std::string& body) {
    return VonageJwt(kVonageSecret, kVonageToken, body, kVonageTime);
  });
  ExpectRefusedWhenChanged(kVonageToken, [](const std::string& token) {
    return VonageJwt(kVonageSecret, token, kVonageBody, kVonageTime);
  });
}

TEST(VonageJwt, DemandsAPayloadHashWhenThereIsABody) {
  // The official vector: the signature fits, but it covers no body.
  const std::string token =
      "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJPbmxpbmUgSldUIEJ1aWxkZXIiLCJpYXQiOjE2OTc2MzQ2ODAsImV4cCI6MzMy"
      "NTQ1NDA4MjgsImF1ZCI6IiIsInN1YiI6IiJ9.88vJc3I2HhuqEDixHXVhc9R30tA6U_HQHZTC29y6CGM";
  EXPECT_TRUE(VonageJwt(kVonageSecret, token, "", 1697634680));
  EXPECT_FALSE(VonageJwt("another", token, "", 1697634680));
  EXPECT_FALSE(VonageJwt(kVonageSecret, token, "{}", 1697634680));
}

TEST(VonageJwt, TheAlgorithmIsNotTheHeadersChoice) {
  const std::string claims = R"({"iat":1587494962})";
  EXPECT_TRUE(VonageJwt(kVonageSecret, Jwt(R"({"alg":"HS256"})", claims), "", kVonageTime));
  for (const char* header :
       {R"({"alg":"none"})", R"({"alg":"HS512"})", R"({})", R"({"alg":1})", "[]", "x"}) {
    EXPECT_FALSE(VonageJwt(kVonageSecret, Jwt(header, claims), "", kVonageTime)) << header;
  }
  const std::string none =
      Base64UrlEncode(R"({"alg":"none"})") + "." + Base64UrlEncode(claims) + ".";
  EXPECT_FALSE(VonageJwt(kVonageSecret, none, "", kVonageTime));
}

TEST(VonageJwt, DemandsAFreshIssueTime) {
  for (const char* claims :
       {"{}", R"({"iat":"1587494962"})", R"({"iat":1587494962,"exp":1587494962})", "[]"}) {
    EXPECT_FALSE(VonageJwt(kVonageSecret, Jwt(R"({"alg":"HS256"})", claims), "", kVonageTime))
        << claims;
  }
}

TEST(VonageJwt, SurvivesMalformedTokens) {
  for (const char* token : {"", ".", "..", "a.b", "a.b.c", "....", "%%%.%%%.%%%"}) {
    EXPECT_FALSE(VonageJwt(kVonageSecret, token, "", kVonageTime)) << token;
  }
}

const std::string kSmsForm =
    "message-timestamp=2013-11-21+15%3A27%3A30&messageId=020000001B0FE827&msisdn=14843472194&text="
    "Test+again&"
    "timestamp=1385047698&to=13239877404&type=text";

bool VonageSms(const std::string& secret, const std::string& fields, const std::string& sig,
               std::int64_t now) {
  return WebhookSignatureOk("vonage", secret, "https://h/x?account=1", "{}", fields + "&sig=" + sig,
                            At(now));
}

const std::vector<std::string>& SmsSignatures() {
  static const auto* const signatures = new std::vector<std::string>{
      "d2e7b1dc968737c5998ad624e02f90b7", "DDEBD46008C2D4E93CCE578A332A52D5",
      "27D0D05C2876C7CB1720DBCDBA4D492E1E55C09A",
      "DDB8397C2B90AAC7F3882D306475C9A5058C92322EEF43C92B298B6E0FC0D330",
      "E0D3C650F8C9D1A5C174D10DDDBFB003E561F59B265616208B0487C5D819481CD3C311D59CF6165ECD1139622D5B"
      "A3A256C0D763AC4A9AD"
      "9144B5A426B94FE82"};
  return *signatures;
}

TEST(VonageSmsSignature, OfficialVectorsAreAccepted) {
  for (const std::string& sig : SmsSignatures()) {
    EXPECT_TRUE(VonageSms("my_secret_key_for_testing", kSmsForm, sig, 1385047698)) << sig;
  }
  const std::string second = "param1=value1&param2=value2&timestamp=1234567890";
  EXPECT_TRUE(VonageSms("signature_secret", second,
                        "280c4320703dbc98bfa22db676655ed2acfbfe8792b062ff7622e67f1183c287",
                        1234567890));
  EXPECT_TRUE(
      VonageSms("signature_secret", second, "724c2bf6ca423c36e20631b11d1c5753", 1234567890));
  EXPECT_TRUE(VonageSms("signature_secret",
                        "param1=value%261&param2=value%3D2&timestamp=1234567890",
                        "2bbf0abafb2c55e5af6231513896a2ac", 1234567890));
}

TEST(VonageSmsSignature, AnythingChangedOrOldIsRefused) {
  for (const std::string& sig : SmsSignatures()) {
    EXPECT_FALSE(VonageSms("my_secret_key_for_testing", kSmsForm, sig, 1385047698 + 301));
    EXPECT_FALSE(VonageSms("other", kSmsForm, sig, 1385047698));
    EXPECT_FALSE(VonageSms("my_secret_key_for_testing", kSmsForm + "&extra=1", sig, 1385047698));
    ExpectRefusedWhenChanged(sig, [](const std::string& changed) {
      return VonageSms("my_secret_key_for_testing", kSmsForm, changed, 1385047698);
    });
    ExpectRefusedWhenChanged(kSmsForm, [&](const std::string& changed) {
      return VonageSms("my_secret_key_for_testing", changed, sig, 1385047698);
    });
  }
  EXPECT_FALSE(VonageSms("my_secret_key_for_testing", kSmsForm, "", 1385047698));
}

TEST(VonageSmsSignature, ComesInQueriesAndJsonToo) {
  const std::string& sig = SmsSignatures()[3];
  const auto now = At(1385047698);
  EXPECT_TRUE(WebhookSignatureOk("vonage", "my_secret_key_for_testing",
                                 "https://h/x?account=7&" + kSmsForm + "&sig=" + sig, "{}", "",
                                 now));
  const std::string json =
      R"({"message-timestamp":"2013-11-21 15:27:30","messageId":"020000001B0FE827","msisdn":"14843472194",)"
      R"("text":"Test again","timestamp":1385047698,"to":"13239877404","type":"text","sig":")" +
      sig + "\"}";
  EXPECT_TRUE(
      WebhookSignatureOk("vonage", "my_secret_key_for_testing", "https://h/x", "{}", json, now));
}

// --------------------------------------------------------------------------------------------
// WhatsApp

bool Whatsapp(const std::string& secret, const std::string& signature, const std::string& body) {
  return WebhookSignatureOk("whatsapp", secret, "https://h/x",
                            Header("X-Hub-Signature-256", signature), body, At(0));
}

TEST(WhatsappSignature, VectorsAreAcceptedAndChangesRefused) {
  struct Case {
    std::string secret, body, hex;
  };
  const std::vector<Case> cases = {
      {"TEST_APP_SECRET", "test",
       "0c61947b610d4f45e65f3d680e26027121ec2413e77598bcb6cfc6e0d9888221"},
      {"It's a Secret to Everybody", "Hello, World!",
       "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
      {"TEST_APP_SECRET", R"({"object":"whatsapp_business_account","entry":[]})",
       "5460f908f130a3411f6fa7184eef51f847230d0790d372e1c22b27941e8758b8"},
      {"TEST_APP_SECRET",
       R"({"object":"whatsapp_business_account","entry":[],"note":"h\u00e9llo"})",
       "d5e21636996a35b9963a17e840335e2d9d8ace6dc0409dff03df5828fe3defa5"},
      {"TEST_APP_SECRET",
       R"({"object":"whatsapp_business_account","entry":[],"note":"h\u00e9llo \ud83d\ude00"})",
       "a895d5d6733aafbd7335cc3a5822fcdfeb2de6d0a04c8abb763a85563f54c43d"},
  };
  for (const Case& c : cases) {
    EXPECT_TRUE(Whatsapp(c.secret, "sha256=" + c.hex, c.body)) << c.body;
    EXPECT_FALSE(Whatsapp(c.secret + "x", "sha256=" + c.hex, c.body));
    EXPECT_FALSE(Whatsapp(c.secret, c.hex, c.body));
    EXPECT_FALSE(Whatsapp(c.secret, "sha1=" + c.hex, c.body));
    ExpectRefusedWhenChanged(
        c.hex, [&](const std::string& hex) { return Whatsapp(c.secret, "sha256=" + hex, c.body); });
    ExpectRefusedWhenChanged(c.body, [&](const std::string& body) {
      return Whatsapp(c.secret, "sha256=" + c.hex, body);
    });
  }
}

bool Verification(const std::string& query, const std::string& body = "") {
  return WebhookSignatureOk("whatsapp", "a token & more", "https://h/x?account=1&" + query, "{}",
                            body, At(0));
}

TEST(WhatsappVerification, DemandsTheToken) {
  const std::string good = "hub.mode=subscribe&hub.challenge=1&hub.verify_token=a+token+%26+more";
  EXPECT_TRUE(Verification(good));
  EXPECT_FALSE(Verification(good, "{}"));
  for (const char* query :
       {"", "hub.mode=subscribe", "hub.verify_token=a+token+%26+more",
        "hub.mode=unsubscribe&hub.verify_token=a+token+%26+more",
        "hub.mode=subscribe&hub.verify_token=", "hub.mode=subscribe&hub_verify_token=a+token",
        "hub.mode=subscribe&hub.verify_token=a+token+%26+mor",
        "hub.mode=subscribe&hub.verify_token=a+token+%26+more+"}) {
    EXPECT_FALSE(Verification(query)) << query;
  }
}

// ----------------------------------------------------------------------------------- Standard
// Webhooks

const std::string kOldSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const std::string kNewSecret = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";
const std::string kEventId = "msg_000000000000000000000001";
const std::string kEvent =
    "{\"type\":\"call.completed\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"data\":{\"name\":"
    "\"Zoë\"}}";
const std::string kOldSignature = "v1,A9ec13VKDX75ycX0e+YPMBKvIXnEgb0ahIR0q40dWdA=";
const std::string kNewSignature = "v1,b0HUtLe21yazM//s8aHATYcYbERLP0Mu/NHXipZAbK4=";
constexpr std::int64_t kEventTime = 1767225600;

bool Standard(const std::string& secret, const std::string& id, const std::string& timestamp,
              const std::string& signatures, const std::string& body, std::int64_t now) {
  const std::string headers = "{\"Webhook-Id\":" + JsonQuote(id) +
                              ",\"Webhook-Timestamp\":" + JsonQuote(timestamp) +
                              ",\"Webhook-Signature\":" + JsonQuote(signatures) + "}";
  return WebhookSignatureOk("webhook", secret, "https://h/x", headers, body, At(now));
}

bool Event(const std::string& secret, const std::string& signatures,
           std::int64_t now = kEventTime) {
  return Standard(secret, kEventId, "1767225600", signatures, kEvent, now);
}

TEST(StandardWebhooks, OfficialVectorIsAccepted) {
  const std::string secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const std::string signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
  EXPECT_TRUE(Standard(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", signature,
                       R"({"test": 2432232314})", 1614265330));
  EXPECT_EQ(SignStandardWebhook(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", At(1614265330),
                                R"({"test": 2432232314})"),
            signature);
}

TEST(StandardWebhooks, OpenAiSignsInTheSameWay) {
  const std::string secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const std::string headers =
      R"({"webhook-id":"msg_p5jXN8AQM9LWM0D4loKWxJek","webhook-timestamp":"1614265330",)"
      R"("webhook-signature":"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="})";
  const std::string body = R"({"test": 2432232314})";
  EXPECT_TRUE(WebhookSignatureOk("openai", secret, "", headers, body, At(1614265330)));
  EXPECT_FALSE(WebhookSignatureOk("openai", secret, "", headers, body + " ", At(1614265330)));
  EXPECT_FALSE(WebhookSignatureOk("openai", secret, "", "{}", body, At(1614265330)));
  EXPECT_FALSE(WebhookSignatureOk("openai", secret, "https://h/x?token=" + secret, "{}", body,
                                  At(1614265330)));
}

TEST(StandardWebhooks, SignsAndVerifiesDuringRotation) {
  EXPECT_EQ(SignStandardWebhook(kOldSecret, kEventId, At(kEventTime), kEvent), kOldSignature);
  EXPECT_EQ(SignStandardWebhook(kOldSecret + " " + kNewSecret, kEventId, At(kEventTime), kEvent),
            kOldSignature + " " + kNewSignature);
  const std::string both = kOldSignature + " " + kNewSignature;
  EXPECT_TRUE(Event(kOldSecret, both));
  EXPECT_TRUE(Event(kNewSecret, both));
  EXPECT_TRUE(Event(kNewSecret + " " + kOldSecret, kOldSignature));
  EXPECT_FALSE(Event(kNewSecret, kOldSignature));
}

TEST(StandardWebhooks, IgnoresUnknownVersions) {
  EXPECT_TRUE(Event(kOldSecret, "v2,xyz v1a,abc " + kOldSignature));
  EXPECT_FALSE(Event(kOldSecret, "v2" + kOldSignature.substr(2)));
}

TEST(StandardWebhooks, RefusesReplays) {
  EXPECT_TRUE(Event(kOldSecret, kOldSignature, kEventTime + 300));
  EXPECT_TRUE(Event(kOldSecret, kOldSignature, kEventTime - 300));
  EXPECT_FALSE(Event(kOldSecret, kOldSignature, kEventTime + 301));
  EXPECT_FALSE(Event(kOldSecret, kOldSignature, kEventTime - 301));
}

TEST(StandardWebhooks, AnythingChangedIsRefused) {
  ExpectRefusedWhenChanged(kEvent, [](const std::string& body) {
    return Standard(kOldSecret, kEventId, "1767225600", kOldSignature, body, kEventTime);
  });
  ExpectRefusedWhenChanged(
      kOldSignature, [](const std::string& signature) { return Event(kOldSecret, signature); });
  ExpectRefusedWhenChanged(kEventId, [](const std::string& id) {
    return Standard(kOldSecret, id, "1767225600", kOldSignature, kEvent, kEventTime);
  });
  const std::string official = R"({"test": 2432232314})";
  ExpectRefusedWhenChanged(official, [](const std::string& body) {
    return Standard("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                    "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", body,
                    1614265330);
  });
  EXPECT_FALSE(
      Standard(kOldSecret, kEventId + "x", "1767225600", kOldSignature, kEvent, kEventTime));
  EXPECT_FALSE(Standard(kOldSecret, kEventId, "1767225601", kOldSignature, kEvent, kEventTime));
  EXPECT_FALSE(Standard(kOldSecret, "", "1767225600", kOldSignature, kEvent, kEventTime));
  for (const char* timestamp : {"", "-1", "1767225600.0", " 1767225600", "99999999999999999999"}) {
    EXPECT_FALSE(Standard(kOldSecret, kEventId, timestamp, kOldSignature, kEvent, kEventTime));
  }
}

TEST(StandardWebhooks, UnusableSecretsAreToldWithoutNamingThem) {
  for (const char* secret : {"whsec_!!!", "whsec_", "whsec_c2hvcnQ=", "plain text secret", ""}) {
    try {
      SignStandardWebhook(secret, "id", At(0), "x");
      ADD_FAILURE() << secret;
    } catch (const Error& e) {
      EXPECT_EQ(e.sqlstate(), "SB002");
      EXPECT_EQ(std::string(e.what()).find("c2hvcnQ"), std::string::npos);
    }
    EXPECT_FALSE(Event(secret, kOldSignature));
  }
}

// --------------------------------------------------------------------------------------- shared
// secrets

bool Shared(const std::string& secret, const std::string& url, const std::string& headers) {
  return WebhookSignatureOk("voipstudio", secret, url, headers, "{}", At(0));
}

TEST(SharedSecret, ComesAsBasicCredentialsHeaderOrUrl) {
  const std::string url = "https://h/api/webhooks/voipstudio/call";
  const std::string secret = "a-long-random-token-0123";
  EXPECT_TRUE(Shared("user:pw", url, Header("Authorization", "Basic " + Base64Encode("user:pw"))));
  EXPECT_TRUE(Shared("pw", url, Header("authorization", "basic " + Base64Encode("anyone:pw"))));
  EXPECT_TRUE(Shared(secret, url, Header("Authorization", "Bearer " + secret)));
  EXPECT_TRUE(Shared(secret, url, Header("x-webhook-token", secret)));
  EXPECT_TRUE(Shared(secret, url + "?account=1&token=" + secret, "{}"));
  EXPECT_TRUE(Shared(secret, "https://h/" + secret + "/call", "{}"));
  EXPECT_TRUE(Shared(secret, url + "/" + secret + "?x=1", R"({"x-webhook-token":["no"]})"));
}

TEST(SharedSecret, IsRefusedOtherwise) {
  const std::string url = "https://h/api/webhooks/voipstudio/call";
  const std::string secret = "a-long-random-token-0123";
  EXPECT_FALSE(Shared(secret, url, "{}"));
  EXPECT_FALSE(Shared(secret, url + "?token=", "{}"));
  EXPECT_FALSE(Shared(secret, url + "?token=" + secret + "4", "{}"));
  EXPECT_FALSE(Shared(secret, url + "?other=" + secret, "{}"));
  EXPECT_FALSE(Shared("user:pw", url, Header("Authorization", "Basic " + Base64Encode("user:px"))));
  EXPECT_FALSE(Shared("user:pw", url, Header("Authorization", "Basic user:pw")));
  EXPECT_FALSE(Shared("user", url, Header("Authorization", "Basic " + Base64Encode("user"))) &&
               Shared("other", url, Header("Authorization", "Basic " + Base64Encode("user"))));
  // A short secret may be part of any path.
  EXPECT_FALSE(Shared("api", url, "{}"));
}

TEST(WebhookSignature, KnowsTheProviders) {
  for (const char* provider : {"twilio", "vonage", "voipstudio", "whatsapp", "mtn", "omnidimension",
                               "openai", "asterisk", "webhook"}) {
    EXPECT_FALSE(WebhookSignatureOk(provider, "secret", "https://h/", "{}", "body", At(0)))
        << provider;
    EXPECT_FALSE(WebhookSignatureOk(provider, "", "https://h/?token=", "{}", "", At(0)))
        << provider;
  }
  EXPECT_SB_ERROR(WebhookSignatureOk("nobody", "s", "", "{}", "", At(0)), "SB009", "nobody");
}

TEST(WebhookSignature, HeadersMustBeAnObject) {
  EXPECT_SB_ERROR(WebhookSignatureOk("twilio", "s", "", "[]", "", At(0)), "22023", "headers");
  EXPECT_SB_ERROR(WebhookSignatureOk("twilio", "s", "", "", "", At(0)), "22023", "JSON");
}

}  // namespace
}  // namespace switchboard::core
