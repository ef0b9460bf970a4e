#include "test/doubles/carrier/carrier_twilio.hpp"

#include <ctime>
#include <sstream>

#include "test/doubles/carrier/carrier_twilio_json.hpp"
#include "test/doubles/carrier/carrier_twilio_requests.hpp"
#include "workers/core/encoding.hpp"

namespace switchboard::carrier {
namespace {

using core::FormFields;

constexpr std::string_view kPrefix = "/2010-04-01/Accounts/";
constexpr double kSendSeconds = 0.5;
constexpr double kDeliverySeconds = 2;
constexpr int kDetectionSeconds = 3;
constexpr double kRecordingSeconds = 1;
constexpr double kRingGraceSeconds = 5;  // Twilio adds it to Timeout
constexpr int kMaxPageSize = 1000;

struct Refusal {
  int code;
  const char* message;
};

std::string_view Bare(std::string_view address) {
  return address.starts_with("whatsapp:") ? address.substr(9) : address;
}

bool IsAddress(std::string_view text) {
  const std::string_view bare = Bare(text);
  if (bare.starts_with('+')) return IsNumber(bare.substr(1));
  return text.starts_with("client:") || text.starts_with("sip:");
}

using MagicNumbers = std::map<std::string, Refusal>;

std::optional<Refusal> Magic(const MagicNumbers& numbers, const std::string& number) {
  const auto found = numbers.find(std::string(Bare(number)));
  if (found == numbers.end()) return std::nullopt;
  return found->second;
}

std::optional<Refusal> CallRefusal(const FormFields& form) {
  static const MagicNumbers from_magic{{"+15005550001", {21212, "Invalid 'From' number"}}};
  static const MagicNumbers to_magic{
      {"+15005550001", {21217, "Phone number does not appear to be valid"}},
      {"+15005550002", {21214, "'To' phone number cannot be reached"}},
      {"+15005550003", {21215, "Geo permission configuration is not permitting call"}},
      {"+15005550004", {21216, "Call blocked by block list"}}};
  const std::string to = Field(form, "To");
  const std::string from = Field(form, "From");
  if (to.empty()) return Refusal{21201, "No 'To' number is specified"};
  if (from.empty()) return Refusal{21213, "No 'From' number is specified"};
  if (Field(form, "Url").empty() && Field(form, "Twiml").empty() &&
      Field(form, "ApplicationSid").empty()) {
    return Refusal{21205, "Url parameter is required"};
  }
  if (!IsAddress(to)) return Refusal{21211, "Invalid 'To' Phone Number"};
  if (!IsAddress(from)) return Refusal{21212, "Invalid 'From' Phone Number"};
  if (const auto refusal = Magic(from_magic, from)) return refusal;
  return Magic(to_magic, to);
}

std::optional<Refusal> MessageRefusal(const FormFields& form) {
  static const MagicNumbers from_magic{
      {"+15005550001", {21212, "The 'From' number is not a valid phone number"}},
      {"+15005550007", {21606, "The 'From' phone number cannot send to this number"}},
      {"+15005550008", {21611, "The 'From' number has exceeded its queue"}}};
  static const MagicNumbers to_magic{
      {"+15005550001", {21211, "Invalid 'To' Phone Number"}},
      {"+15005550002", {21612, "'To' number is not reachable from this 'From'"}},
      {"+15005550003", {21408, "Permission to send to this region is not enabled"}},
      {"+15005550004", {21610, "Attempt to send to unsubscribed recipient"}},
      {"+15005550009", {21614, "'To' number is not a valid mobile number"}}};
  constexpr std::size_t kMaxBody = 1600;
  const std::string to = Field(form, "To");
  const std::string from = Field(form, "From");
  if (to.empty()) return Refusal{21604, "A 'To' phone number is required"};
  if (from.empty() && Field(form, "MessagingServiceSid").empty()) {
    return Refusal{21603, "A 'From' phone number is required"};
  }
  const std::string body = Field(form, "Body");
  if (body.empty() && Field(form, "MediaUrl").empty() && Field(form, "ContentSid").empty()) {
    return Refusal{21602, "Message body is required"};
  }
  if (body.size() > kMaxBody) return Refusal{21617, "The message body exceeds 1600 characters"};
  if (!IsAddress(to)) return Refusal{21211, "Invalid 'To' Phone Number"};
  if (const auto refusal = Magic(from_magic, from)) return refusal;
  return Magic(to_magic, to);
}

Answer Created(std::string body) {
  Answer answer;
  answer.status = 201;
  answer.body = std::move(body);
  return answer;
}

Answer SpoilTwilio(Answer good, Fault fault, const Settings& settings) {
  const std::string body =
      fault == Fault::kTooMany ? TwilioErrorJson(429, 20429, "Too Many Requests")
      : fault == Fault::kUnavailable
          ? TwilioErrorJson(503, 20503, "Service unavailable")
          : TwilioErrorJson(500, 20500, "An internal server error has occurred");
  return Spoil(std::move(good), fault, settings, body);
}

std::vector<std::string> FieldsOf(const FormFields& form, std::string_view name) {
  std::vector<std::string> values;
  for (const auto& [key, value] : form) {
    if (key == name) values.push_back(value);
  }
  return values;
}

std::string Or(std::string text, const char* otherwise) {
  return text.empty() ? otherwise : std::move(text);
}

// "YYYY-MM-DD" or with a time of day.
std::optional<WallTime> ParseFilterTime(const std::string& text) {
  for (const char* form : {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"}) {
    std::tm time{};
    const char* end = strptime(text.c_str(), form, &time);
    if (end != nullptr && *end == '\0') {
      return WallTime(std::chrono::seconds(timegm(&time)));
    }
  }
  return std::nullopt;
}

// `start` empty: not started, so in no range of start times.
bool InRange(const FormFields& filter, const std::string& name, std::optional<WallTime> start) {
  const auto after = ParseFilterTime(Field(filter, name + ">"));
  const auto before = ParseFilterTime(Field(filter, name + "<"));
  const auto day = ParseFilterTime(Field(filter, name));
  if (!after && !before && !day) return true;
  if (!start) return false;
  return (!after || *start >= *after) && (!before || *start <= *before) &&
         (!day || std::chrono::floor<std::chrono::days>(*start) == *day);
}

// The page of `matching` entries that the request asks for.
template <typename Entry, typename ToJson>
std::string Page(const std::string& name, const std::vector<Entry*>& matching,
                 const Request& request, ToJson to_json) {
  const FormFields filter = core::ParseForm(core::QueryOf(request.target));
  const int asked_size = std::atoi(Or(Field(filter, "PageSize"), "50").c_str());
  const std::size_t size = std::clamp(asked_size, 1, kMaxPageSize);
  const std::size_t page = std::max(0, std::atoi(Field(filter, "Page").c_str()));
  std::vector<std::string> entries;
  for (std::size_t i = page * size; i < matching.size() && entries.size() < size; ++i) {
    entries.push_back(to_json(*matching[i]));
  }
  return TwilioPageJson(name, entries, request, (page + 1) * size < matching.size());
}

// The same every time it is told of.
void AddRecording(const Call& call, FormFields* form) {
  if (!call.record || !call.answered) return;
  const std::string sid = "RE" + call.id.substr(2);
  form->emplace_back("RecordingSid", sid);
  form->emplace_back("RecordingUrl", "https://api.twilio.com/2010-04-01/Accounts/" + call.account +
                                         "/Recordings/" + sid);
  form->emplace_back("RecordingDuration", std::to_string(call.duration_s));
}

}  // namespace

Answer TwilioFront::Handle(const Request& request) {
  if (!request.path().starts_with(kPrefix)) return TwilioError(404, 20404, "not found");
  const std::string_view rest = request.path().substr(kPrefix.size());
  const std::size_t slash = rest.find('/');
  Caller caller;
  caller.account = core::UrlDecode(rest.substr(0, slash), false);

  const std::string_view authorization = FindHeader(request.headers, "Authorization");
  const std::optional<std::string> basic = authorization.starts_with("Basic ")
                                               ? core::Base64Decode(authorization.substr(6))
                                               : std::nullopt;
  const std::size_t colon = basic ? basic->find(':') : std::string::npos;
  if (colon == std::string::npos || colon + 1 == basic->size()) {
    return TwilioError(401, 20003, "Authenticate");
  }
  const std::string user = basic->substr(0, colon);
  const std::string password = basic->substr(colon + 1);
  caller.token = password;
  if (!world_.settings.accounts.empty()) {
    const auto known = world_.settings.accounts.find(user);
    if (known == world_.settings.accounts.end() || known->second != password) {
      return TwilioError(401, 20003, "Authenticate");
    }
    // An API key authenticates, but webhooks are signed with the account's own token.
    const auto account = world_.settings.accounts.find(caller.account);
    if (account == world_.settings.accounts.end()) {
      return TwilioError(404, 20404, "The requested resource was not found");
    }
    caller.token = account->second;
  }
  return Route(request, caller, slash == std::string_view::npos ? "" : rest.substr(slash + 1));
}

Answer TwilioFront::Route(const Request& request, const Caller& caller, std::string_view resource) {
  const bool post = request.method == "POST";
  if (resource == "Calls.json") {
    return post ? CreateCall(request, caller) : ListCalls(request, caller);
  }
  if (resource == "Messages.json") {
    return post ? CreateMessage(request, caller) : ListMessages(request, caller);
  }
  const std::size_t slash = resource.find('/');
  if (slash != std::string_view::npos && resource.ends_with(".json")) {
    const std::string_view collection = resource.substr(0, slash);
    std::string_view sid = resource.substr(slash + 1);
    sid.remove_suffix(5);
    if (Call* call = world_.ledger.FindCall(std::string(sid)); call && collection == "Calls") {
      Answer answer;
      if (post) return UpdateCall(request, *call);
      answer.body = TwilioCallJson(*call);
      return answer;
    }
    const Message* message = world_.ledger.FindMessage(std::string(sid));
    if (message != nullptr && collection == "Messages") {
      Answer answer;
      answer.body = TwilioMessageJson(*message);
      return answer;
    }
  }
  return TwilioError(404, 20404, "The requested resource was not found");
}

Answer TwilioFront::CreateCall(const Request& request, const Caller& caller) {
  const FormFields form = core::ParseForm(request.body);
  const std::string to = Field(form, "To");
  const Fault fault = world_.NextFaultFor("create", to);
  if (!Acts(fault)) return SpoilTwilio({}, fault, world_.settings);
  if (const auto refusal = CallRefusal(form)) {
    return TwilioError(400, refusal->code, refusal->message);
  }
  if (world_.OverRate()) return SpoilTwilio({}, Fault::kTooMany, world_.settings);

  Call call;
  call.provider = "twilio";
  call.id = "CA" + FreshId();
  call.account = caller.account;
  call.token = caller.token;
  call.to = to;
  call.from = Field(form, "From");
  call.url = Field(form, "Url");
  call.url_method = Or(Field(form, "Method"), "POST");
  call.twiml = Field(form, "Twiml");
  call.status_callback = Field(form, "StatusCallback");
  call.status_method = Or(Field(form, "StatusCallbackMethod"), "POST");
  for (std::string& event : FieldsOf(form, "StatusCallbackEvent")) {
    // Seen in the wild as one value with spaces as well as repeated.
    std::istringstream words(event);
    for (std::string word; words >> word;) call.events.insert(word);
  }
  if (call.events.empty()) call.events.insert("completed");
  call.machine_detection = Field(form, "MachineDetection");
  if (Field(form, "AsyncAmd") == "true") call.amd_callback = Field(form, "AsyncAmdStatusCallback");
  call.record = Field(form, "Record") == "true";
  call.recording_callback = Field(form, "RecordingStatusCallback");
  call.ring_limit_s = std::atof(Or(Field(form, "Timeout"), "60").c_str()) + kRingGraceSeconds;
  call.reference = QueryValue(call.status_callback, {"call", "job"});
  if (call.reference.empty()) call.reference = QueryValue(call.url, {"call", "job"});
  call.plan = world_.simulation.Plan(to, world_.ledger.TimesDialed(to));
  call.accepted = world_.scheduler.Now();
  call.fault = FaultName(fault);

  Call& placed = world_.ledger.AddCall(std::move(call));
  world_.simulation.Start(placed, [this](Call& changed) { OnStep(changed); });
  return SpoilTwilio(Created(TwilioCallJson(placed)), fault, world_.settings);
}

Answer TwilioFront::UpdateCall(const Request& request, Call& call) {
  const Fault fault = world_.NextFaultFor("update", call.to);
  if (!Acts(fault)) return SpoilTwilio({}, fault, world_.settings);
  const FormFields form = core::ParseForm(request.body);
  const std::string status = Field(form, "Status");
  const bool live = call.state != CallState::kEnded;
  const bool before_answer = live && call.state != CallState::kAnswered;
  const auto on_step = [this](Call& changed) { OnStep(changed); };
  if (!live || (status == "canceled" && !before_answer)) {
    return TwilioError(400, 21220, "Call is not in-progress. Cannot redirect.");
  }
  if (status == "canceled" || (status == "completed" && before_answer)) {
    world_.simulation.End(call, "canceled", on_step);
  } else if (status == "completed") {
    world_.simulation.End(call, "completed", on_step);
  } else if (const std::string url = Field(form, "Url"); !url.empty()) {
    TellQueueResult(call, "redirected");
    Listen(call, url, Or(Field(form, "Method"), "POST"));
  } else if (const std::string twiml = Field(form, "Twiml"); !twiml.empty()) {
    TellQueueResult(call, "redirected");
    Perform(call, twiml);
  }
  Answer answer;
  answer.body = TwilioCallJson(call);
  return SpoilTwilio(std::move(answer), fault, world_.settings);
}

void TwilioFront::TakeCall(const InboundOrder& order, const std::string& from) {
  Call& call = AddInboundCall(world_, order, from, "CA" + FreshId());
  call.token = order.token;
  const auto on_step = [this](Call& changed) { OnStep(changed); };
  world_.simulation.Arrive(call, order.Patience(world_, call), on_step);
  call.status = "ringing";
  Listen(call, order.url, "POST");
  call.status = "in-progress";
}

Answer TwilioFront::ListCalls(const Request& request, const Caller& caller) {
  const FormFields filter = core::ParseForm(core::QueryOf(request.target));
  const std::string from = Field(filter, "From");
  const std::string status = Field(filter, "Status");
  const Fault fault = world_.NextFaultFor("list", Field(filter, "To"));
  std::vector<Call*> matching;
  for (Call* call : world_.ledger.CallsTo(Field(filter, "To"))) {
    const bool queued = call->state == CallState::kQueued;
    const std::string shown = call->status == "initiated" ? "queued" : call->status;
    if (call->account == caller.account && call->provider == "twilio" &&
        (from.empty() || call->from == from) && (status.empty() || shown == status) &&
        InRange(filter, "StartTime", queued ? std::nullopt : std::optional(call->accepted))) {
      matching.push_back(call);
    }
  }
  Answer answer;
  answer.body = Page("calls", matching, request, TwilioCallJson);
  return SpoilTwilio(std::move(answer), fault, world_.settings);
}

Answer TwilioFront::CreateMessage(const Request& request, const Caller& caller) {
  const FormFields form = core::ParseForm(request.body);
  const std::string to = Field(form, "To");
  const Fault fault = world_.NextFaultFor("message", to);
  if (!Acts(fault)) return SpoilTwilio({}, fault, world_.settings);
  if (const auto refusal = MessageRefusal(form)) {
    return TwilioError(400, refusal->code, refusal->message);
  }
  if (world_.OverRate()) return SpoilTwilio({}, Fault::kTooMany, world_.settings);

  Message message;
  message.id = (Field(form, "MediaUrl").empty() ? "SM" : "MM") + FreshId();
  message.account = caller.account;
  message.token = caller.token;
  message.to = to;
  message.from = Field(form, "From");
  message.service = Field(form, "MessagingServiceSid");
  message.body = Field(form, "Body");
  message.media = FieldsOf(form, "MediaUrl");
  message.status_callback = Field(form, "StatusCallback");
  message.reference = QueryValue(message.status_callback, {"message", "job"});
  message.accepted = world_.scheduler.Now();
  message.fault = FaultName(fault);
  Message& sent = world_.ledger.AddMessage(std::move(message));
  const std::string json = TwilioMessageJson(sent);
  DeliverMessage(sent);
  return SpoilTwilio(Created(json), fault, world_.settings);
}

Answer TwilioFront::ListMessages(const Request& request, const Caller& caller) {
  const FormFields filter = core::ParseForm(core::QueryOf(request.target));
  const std::string from = Field(filter, "From");
  const Fault fault = world_.NextFaultFor("list", Field(filter, "To"));
  std::vector<Message*> matching;
  for (Message* message : world_.ledger.MessagesTo(Field(filter, "To"))) {
    if (message->account == caller.account && (from.empty() || message->from == from) &&
        InRange(filter, "DateSent", message->accepted)) {
      matching.push_back(message);
    }
  }
  Answer answer;
  answer.body = Page("messages", matching, request, TwilioMessageJson);
  return SpoilTwilio(std::move(answer), fault, world_.settings);
}

void TwilioFront::OnStep(Call& call) {
  switch (call.state) {
    case CallState::kQueued:
      break;
    case CallState::kInitiated:
      Tell(call, "initiated");
      break;
    case CallState::kRinging:
      Tell(call, "ringing");
      break;
    case CallState::kAnswered:
      Tell(call, "answered");
      TellMachine(call);
      if (call.inbound) break;
      if (!call.twiml.empty()) {
        Perform(call, call.twiml);
      } else if (!call.url.empty()) {
        Listen(call, call.url, call.url_method);
      }
      break;
    case CallState::kEnded:
      Tell(call, "completed");
      TellRecording(call);
      TellQueueResult(call, "hangup");
      // The customer has gone: what comes back is not followed.
      if (call.leg) EndDial(call, call.leg->answered ? "completed" : "canceled");
      break;
  }
}

// Every event takes a sequence number, whether or not anybody wants to hear of it.
void TwilioFront::Tell(Call& call, const std::string& event) {
  const int sequence = call.next_sequence++;
  if (call.status_callback.empty() || call.events.count(event) == 0) return;
  FormFields form = VoiceFields(call);
  form.insert(form.end(), {{"CallbackSource", "call-progress-events"},
                           {"SequenceNumber", std::to_string(sequence)},
                           {"Timestamp", TwilioDate(world_.scheduler.Now())}});
  if (call.state == CallState::kEnded) {
    form.emplace_back("CallDuration", std::to_string(call.duration_s));
    form.emplace_back("Duration", std::to_string((call.duration_s + 59) / 60));
    if (call.status == "busy") form.emplace_back("SipResponseCode", "486");
    if (call.status == "no-answer") form.emplace_back("SipResponseCode", "487");
    if (call.status == "failed") form.emplace_back("SipResponseCode", "404");
    AddRecording(call, &form);
  }
  world_.webhooks.Post(SignedRequest(call.token, call.status_callback, call.status_method, form));
}

// The result of detection that went on while the call was connected.
void TwilioFront::TellMachine(Call& call) {
  if (call.amd_callback.empty() || call.answered_by.empty()) return;
  world_.simulation.AfterSimulated(kDetectionSeconds, [this, &call] {
    if (call.state == CallState::kEnded) return;
    const FormFields form{{"CallSid", call.id},
                          {"AccountSid", call.account},
                          {"AnsweredBy", call.answered_by},
                          {"MachineDetectionDuration", std::to_string(kDetectionSeconds * 1000)}};
    world_.webhooks.Post(SignedRequest(call.token, call.amd_callback, "POST", form));
  });
}

void TwilioFront::TellRecording(const Call& call) {
  if (!call.record || !call.answered || call.recording_callback.empty()) return;
  world_.simulation.AfterSimulated(kRecordingSeconds, [this, &call] {
    FormFields form{{"CallSid", call.id},
                    {"AccountSid", call.account},
                    {"RecordingStatus", "completed"},
                    {"RecordingChannels", "1"},
                    {"RecordingSource", "OutboundAPI"}};
    AddRecording(call, &form);
    world_.webhooks.Post(SignedRequest(call.token, call.recording_callback, "POST", form));
  });
}

void TwilioFront::DeliverMessage(Message& message) {
  world_.simulation.AfterSimulated(kSendSeconds, [this, &message] {
    if (message.ended) return;
    message.status = "sent";
    TellMessage(message);
    world_.simulation.AfterSimulated(kDeliverySeconds, [this, &message] {
      if (message.ended) return;
      message.ended = true;
      Draw draw(world_.settings.seed, "message " + message.to, message.index);
      message.status = draw.Pick(world_.settings.message_outcomes);
      if (message.status == "undelivered" || message.status == "failed") {
        message.error_code = "30005";
      }
      TellMessage(message);
    });
  });
}

void TwilioFront::TellMessage(const Message& message) {
  if (message.status_callback.empty()) return;
  FormFields form{{"MessageSid", message.id}, {"SmsSid", message.id}};
  AddParties(&form, message.account, message.from, message.to);
  form.emplace_back("MessageStatus", message.status);
  form.emplace_back("SmsStatus", message.status);
  if (!message.service.empty()) form.emplace_back("MessagingServiceSid", message.service);
  if (!message.error_code.empty()) form.emplace_back("ErrorCode", message.error_code);
  world_.webhooks.Post(SignedRequest(message.token, message.status_callback, "POST", form));
}

}  // namespace switchboard::carrier
