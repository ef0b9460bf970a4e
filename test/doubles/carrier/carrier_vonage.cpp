#include "test/doubles/carrier/carrier_vonage.hpp"

#include <ctime>

#include "test/doubles/carrier/carrier_jwt.hpp"
#include "workers/core/encoding.hpp"
#include "workers/core/uuid.hpp"

namespace switchboard::carrier {
namespace {

constexpr std::string_view kCalls = "/v1/calls";
constexpr double kDetectionSeconds = 2;
constexpr int kMaxPageSize = 100;

std::string FirstText(const core::JsonValue& object, std::string_view key) {
  const core::JsonValue* list = core::Find(object, key);
  return list != nullptr && list->IsArray() && !list->Empty()
             ? std::string(core::AsString((*list)[0]))
             : "";
}

// The address of an endpoint; empty when it is none.
std::string AddressOf(const core::JsonValue& endpoint) {
  if (core::FindString(endpoint, "type") == "phone") {
    const std::string number = core::FindText(endpoint, "number").value_or("");
    return IsNumber(number) ? number : "";
  }
  const auto uri = core::FindText(endpoint, "uri");
  return uri ? *uri : core::FindText(endpoint, "user").value_or("");
}

std::string ToOf(const core::JsonValue& body) {
  const core::JsonValue* to = core::Find(body, "to");
  return to != nullptr && to->IsArray() && to->Size() == 1 ? AddressOf((*to)[0]) : "";
}

std::string Method(const core::JsonValue& body, std::string_view key, const char* otherwise) {
  return std::string(core::FindString(body, key).value_or(otherwise));
}

std::string DetectionMode(const core::JsonValue& body) {
  const core::JsonValue* advanced = core::Find(body, "advanced_machine_detection");
  if (advanced != nullptr)
    return std::string(core::FindString(*advanced, "mode").value_or("detect"));
  return core::FindString(body, "machine_detection") ? "default" : "";
}

std::optional<WallTime> ParseTime(const std::string& text) {
  std::tm time{};
  if (strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &time) == nullptr) return std::nullopt;
  return WallTime(std::chrono::seconds(timegm(&time)));
}

// The part of a call that its order names; nothing when the order is incomplete.
std::optional<Call> ReadOrder(const core::JsonValue& body) {
  Call call;
  const core::JsonValue* ncco = core::Find(body, "ncco");
  call.url = FirstText(body, "answer_url");
  if ((ncco != nullptr) == !call.url.empty()) return std::nullopt;
  if (ncco != nullptr) call.ncco = core::ToJson(*ncco);
  call.url_method = Method(body, "answer_method", "GET");
  call.status_callback = FirstText(body, "event_url");
  call.status_method = Method(body, "event_method", "POST");
  call.machine_detection = DetectionMode(body);
  call.ring_limit_s = core::FindNumber(body, "ringing_timer").value_or(60);
  call.reference = QueryValue(call.status_callback, {"call", "job"});
  if (call.reference.empty()) call.reference = QueryValue(call.url, {"call", "job"});
  return call;
}

Answer Throttled() {
  return VonageError(429, "https://developer.vonage.com/api-errors#throttled", "Rate Limit Hit");
}

Answer SpoilVonage(Answer good, Fault fault, const Settings& settings) {
  const Answer refusal =
      fault == Fault::kTooMany ? Throttled() : VonageError(500, "INTERNAL_ERROR", "Server error");
  return Spoil(std::move(good), fault, settings, refusal.body);
}

Answer BadRequest(const std::string& parameter) {
  return VonageError(400, "BAD_REQUEST", "Bad Request", parameter);
}

Answer NotFound() { return VonageError(404, "NOT_FOUND", "Not Found"); }

}  // namespace

Answer VonageFront::Handle(const Request& request) {
  if (!Authorized(request)) return VonageError(401, "UNAUTHORIZED", "Unauthorized");
  const std::string_view rest = request.path().substr(kCalls.size());
  if (rest.empty() && request.method == "POST") return CreateCall(request);
  if (rest.empty() && request.method == "GET") return ListCalls(request);
  Call* call =
      rest.starts_with('/') ? world_.ledger.FindCall(std::string(rest.substr(1))) : nullptr;
  if (call == nullptr || call->provider != "vonage") return NotFound();
  if (request.method == "PUT") return UpdateCall(request, *call);
  if (request.method != "GET") return VonageError(405, "METHOD_NOT_ALLOWED", "Not allowed");
  Answer answer;
  answer.body = VonageCallJson(*call);
  return answer;
}

bool VonageFront::Authorized(const Request& request) const {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view header = FindHeader(request.headers, "Authorization");
  if (!header.starts_with(kScheme)) return false;
  const auto claims = TokenClaims(header.substr(kScheme.size()), world_.settings.vonage_public_key);
  if (!claims) return false;
  const std::string& known = world_.settings.vonage_application;
  const auto application = core::FindString(*claims, "application_id");
  const auto now = std::chrono::floor<std::chrono::seconds>(world_.scheduler.Now());
  return application && (known.empty() || *application == known) &&
         core::FindString(*claims, "jti") &&
         core::FindInt(*claims, "exp").value_or(0) > now.time_since_epoch().count();
}

Answer VonageFront::CreateCall(const Request& request) {
  const std::optional<core::Json> body = core::TryParseJson(request.body);
  const std::string to = body ? ToOf(*body) : "";
  const Fault fault = world_.NextFaultFor("create", to);
  if (!Acts(fault)) return SpoilVonage({}, fault, world_.settings);
  if (!body) return BadRequest("");
  if (to.empty()) return BadRequest("to");
  const core::JsonValue* from = core::Find(*body, "from");
  const std::string from_number = from != nullptr ? AddressOf(*from) : "";
  if (from_number.empty()) return BadRequest("from");
  std::optional<Call> call = ReadOrder(*body);
  if (!call) return BadRequest("answer_url");
  if (world_.OverRate()) return SpoilVonage({}, Fault::kTooMany, world_.settings);

  call->provider = "vonage";
  call->id = core::FormatUuid(core::UuidV4());
  call->account = world_.settings.vonage_application;
  call->to = to;
  call->from = from_number;
  call->plan = world_.simulation.Plan(to, world_.ledger.TimesDialed(to));
  call->accepted = world_.scheduler.Now();
  call->fault = FaultName(fault);
  Call& placed = world_.ledger.AddCall(std::move(*call));
  world_.simulation.Start(placed, [this](Call& changed) { OnStep(changed); });
  core::JsonWriter json;
  json.BeginObject().Key("uuid").String(placed.id).Key("status").String("started");
  json.Key("direction").String("outbound").Key("conversation_uuid");
  json.String("CON-" + placed.id).EndObject();
  Answer created;
  created.status = 201;
  created.body = json.Take();
  return SpoilVonage(std::move(created), fault, world_.settings);
}

Answer VonageFront::UpdateCall(const Request& request, Call& call) {
  const Fault fault = world_.NextFaultFor("update", call.to);
  if (!Acts(fault)) return SpoilVonage({}, fault, world_.settings);
  const std::optional<core::Json> body = core::TryParseJson(request.body);
  const auto action = body ? core::FindString(*body, "action") : std::nullopt;
  if (call.state == CallState::kEnded) return NotFound();
  if (action == "hangup") {
    End(call, call.answered ? "completed" : "canceled");
  } else if (action == "transfer" && call.state == CallState::kAnswered) {
    const core::JsonValue* destination = core::Find(*body, "destination");
    const core::JsonValue* ncco = destination ? core::Find(*destination, "ncco") : nullptr;
    const std::string url = destination ? FirstText(*destination, "url") : "";
    if (ncco == nullptr && url.empty()) return BadRequest("destination");
    if (ncco != nullptr) {
      runner_.Run(call, core::ToJson(*ncco));
    } else {
      runner_.Ask(call, url, "GET");
    }
  } else {
    return BadRequest("action");
  }
  Answer done;
  done.status = 204;
  return SpoilVonage(std::move(done), fault, world_.settings);
}

void VonageFront::TakeCall(const InboundOrder& order, const std::string& from) {
  Call& call = AddInboundCall(world_, order, from.substr(1), core::FormatUuid(core::UuidV4()));
  call.to = call.to.substr(call.to.starts_with('+') ? 1 : 0);
  call.account = world_.settings.vonage_application;
  Tell(call, "started");
  Tell(call, "ringing");
  world_.simulation.Arrive(call, order.Patience(world_, call),
                           [this](Call& changed) { OnStep(changed); });
  runner_.Ask(call, order.url, order.method);
}

Answer VonageFront::ListCalls(const Request& request) {
  const Fault fault = world_.NextFaultFor("list", "");
  const auto value = [&](const char* name) { return QueryValue(request.target, {name}); };
  const auto after = ParseTime(value("date_start"));
  const auto before = ParseTime(value("date_end"));
  const std::string status = value("status");
  const int asked = value("page_size").empty() ? 10 : std::atoi(value("page_size").c_str());
  const auto size = static_cast<std::size_t>(std::clamp(asked, 1, kMaxPageSize));
  const std::size_t first = std::strtoull(value("record_index").c_str(), nullptr, 10);
  std::size_t count = 0;
  core::JsonWriter list;
  list.BeginArray();
  for (const Call& call : world_.ledger.calls()) {
    if (call.provider != "vonage" || (after && call.accepted < *after) ||
        (before && call.accepted > *before) || (!status.empty() && VonageStatus(call) != status)) {
      continue;
    }
    if (count >= first && count < first + size) list.Raw(VonageCallJson(call));
    ++count;
  }
  core::JsonWriter json;
  json.BeginObject().Key("count").Int(static_cast<std::int64_t>(count)).Key("page_size");
  json.Int(static_cast<std::int64_t>(size)).Key("record_index");
  json.Int(static_cast<std::int64_t>(first)).Key("_embedded").BeginObject().Key("calls");
  json.Raw(list.EndArray().Take()).EndObject().EndObject();
  Answer answer;
  answer.body = json.Take();
  return SpoilVonage(std::move(answer), fault, world_.settings);
}

void VonageFront::End(Call& call, const std::string& status) {
  world_.simulation.End(call, status, [this](Call& changed) { OnStep(changed); });
}

void VonageFront::OnStep(Call& call) {
  if (call.state == CallState::kAnswered) return OnAnswer(call);
  if (call.state == CallState::kEnded) return OnEnd(call);
  Tell(call, VonageStatus(call));
}

// Detection comes before the answer is acted on, unless its mode is "default".
void VonageFront::OnAnswer(Call& call) {
  Tell(call, "answered", [](core::JsonWriter& json) { json.Key("start_time").Null(); });
  if (call.inbound) return;
  const bool detects = !call.machine_detection.empty();
  const bool meanwhile = call.machine_detection == "default";
  if (!detects || meanwhile) Begin(call);
  if (!detects) return;
  world_.simulation.AfterSimulated(kDetectionSeconds, [this, &call, meanwhile] {
    if (call.state != CallState::kAnswered) return;
    TellWho(call);
    if (!meanwhile) Begin(call);
  });
}

void VonageFront::TellWho(Call& call) {
  const bool machine = call.answered_by.starts_with("machine");
  Tell(call, machine ? "machine" : "human");
  if (machine && call.machine_detection != "detect") {
    Tell(call, "machine",
         [](core::JsonWriter& json) { json.Key("sub_state").String("beep_start"); });
  }
}

void VonageFront::Begin(Call& call) {
  if (call.url.empty()) {
    runner_.Run(call, call.ncco);
  } else {
    runner_.Ask(call, call.url, call.url_method);
  }
}

// A call that nobody answered is said to be completed, too.
void VonageFront::OnEnd(Call& call) {
  runner_.Ended(call);
  if (const std::string status = VonageStatus(call); status != "completed") {
    Tell(call, status, [&status](core::JsonWriter& json) {
      if (status == "unanswered") json.Key("detail").String("timeout");
      if (status == "failed") json.Key("detail").String("cannot_route");
    });
  }
  Tell(call, "completed");
}

void VonageFront::Tell(const Call& call, const std::string& status, const MoreMembers& more) {
  if (call.status_callback.empty()) return;
  const WallTime now = world_.scheduler.Now();
  world_.webhooks.Post(VonageWebhook(world_.settings, now, call.status_callback, call.status_method,
                                     VonageEventJson(call, {call.id, call.to}, status, now, more)));
}

}  // namespace switchboard::carrier
