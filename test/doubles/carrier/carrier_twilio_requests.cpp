#include "test/doubles/carrier/carrier_twilio_requests.hpp"

#include "test/doubles/carrier/carrier_signature.hpp"

namespace switchboard::carrier {

using core::FormFields;

void AddParties(FormFields* form, const std::string& account, const std::string& from,
                const std::string& to) {
  form->insert(form->end(),
               {{"AccountSid", account}, {"ApiVersion", "2010-04-01"}, {"From", from}, {"To", to}});
}

FormFields VoiceFields(const Call& call) {
  FormFields form{{"CallSid", call.id}};
  AddParties(&form, call.account, call.from, call.to);
  form.insert(form.end(), {{"Caller", call.from},
                           {"Called", call.to},
                           {"Direction", call.inbound ? "inbound" : "outbound-api"},
                           {"CallStatus", call.status}});
  if (!call.answered_by.empty() && call.amd_callback.empty()) {
    form.emplace_back("AnsweredBy", call.answered_by);
  }
  return form;
}

Outgoing SignedRequest(const std::string& token, std::string url, const std::string& method,
                       const FormFields& form) {
  url = url.substr(0, url.find('#'));  // never sent, so not signed
  Outgoing request;
  request.method = method;
  if (method == "GET") {
    url += (url.find('?') == std::string::npos ? "?" : "&") + core::FormEncode(form);
    request.headers = {{"X-Twilio-Signature", TwilioSignature(token, url, {})}};
  } else {
    request.body = core::FormEncode(form);
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"},
                       {"X-Twilio-Signature", TwilioSignature(token, url, form)}};
  }
  request.url = std::move(url);
  return request;
}

}  // namespace switchboard::carrier
