// The carrier signs with code of its own; both it and the verifier must agree with Twilio's
// published vectors.
#include "test/doubles/carrier/carrier_signature.hpp"

#include <gtest/gtest.h>

#include "workers/core/json.hpp"
#include "workers/core/webhook_signature.hpp"

namespace switchboard::carrier {
namespace {

using core::FormFields;

constexpr char kToken[] = "12345";
const FormFields kCallFields{{"CallSid", "CA1234567890ABCDE"},
                             {"Caller", "+14158675309"},
                             {"Digits", "1234"},
                             {"From", "+14158675309"},
                             {"To", "+18005551212"}};

struct Vector {
  std::string url;
  FormFields fields;
  std::string signature;
};

const std::vector<Vector>& OfficialVectors() {
  static const std::vector<Vector> vectors{
      {"https://mycompany.com/myapp.php?foo=1&bar=2", kCallFields, "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
      {"https://mycompany.com:443/myapp.php?foo=1&bar=2", kCallFields,
       "kvajT1Ptam85bY51eRf/AJRuM3w="},
      {"http://mycompany.com:1234/myapp.php?foo=1&bar=2", kCallFields,
       "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="},
      {"http://mycompany.com:80/myapp.php?foo=1&bar=2", kCallFields,
       "0ZXoZLH/DfblKGATFgpif+LLRf4="},
      {"https://user:pass@mycompany.com/myapp.php?foo=1&bar=2", kCallFields,
       "CukzLTc1tT5dXEDIHm/tKBanW10="},
      {"https://user@mycompany.com/myapp.php?foo=1&bar=2", kCallFields,
       "2YRLlVAflCqxaNicjMpJcSTgzSs="},
      {"https://user:pass@mycompany.com:443/myapp.php?foo=1&bar=2", kCallFields,
       "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI="},
      {"https://mycompany.com/myapp.php?foo=1&bar=2",
       {{"Sid", "CA123"},
        {"SidAccount", "AC123"},
        {"Digits", "5678"},
        {"Digits", "1234"},
        {"Digits", "1234"}},
       "IK+Dwps556ElfBT0I3Rgjkr1wJU="},
      {"https://mycompany.com/myapp.php?foo=1&bar=2",
       {{"MessagingBinding.Address", "+1325xxxxxxx"}, {"MessagingBinding.Address", "+1415xxxxxxx"}},
       "83O6e2vORAoJHUNzJjDWN1jz+BA="},
      {"https://example.com/hooks/twilio/message?account=7",
       {{"SmsMessageSid", "SM00000000000000000000000000000001"},
        {"NumMedia", "0"},
        {"Body", "Hellö +1 & ok"},
        {"MediaUrl0", ""},
        {"From", "whatsapp:+15005550006"},
        {"To", "whatsapp:+15005550009"}},
       "a3/opcYuSuSPeXvr2TSzq+7EIW0="}};
  return vectors;
}

bool Verified(const Vector& vector, const std::string& signature) {
  const std::string headers = R"({"X-Twilio-Signature":)" + core::JsonQuote(signature) +
                              R"(,"Content-Type":"application/x-www-form-urlencoded"})";
  return core::WebhookSignatureOk("twilio", kToken, vector.url, headers,
                                  core::FormEncode(vector.fields), std::chrono::sys_seconds{});
}

TEST(CarrierSignature, AgreesWithTheOfficialVectors) {
  for (const Vector& vector : OfficialVectors()) {
    EXPECT_EQ(TwilioSignature(kToken, vector.url, vector.fields), vector.signature) << vector.url;
  }
}

TEST(CarrierSignature, IsAcceptedByTheVerifierAndNoOtherIs) {
  for (const Vector& vector : OfficialVectors()) {
    EXPECT_TRUE(Verified(vector, vector.signature)) << vector.url;
    std::string altered = vector.signature;
    altered[3] = altered[3] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(Verified(vector, altered)) << vector.url;
  }
}

}  // namespace
}  // namespace switchboard::carrier
