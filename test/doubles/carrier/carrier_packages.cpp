#include "test/doubles/carrier/carrier_packages.hpp"

#include <date/date.h>

#include "workers/core/json.hpp"
#include "workers/core/standard_webhooks.hpp"

namespace switchboard::carrier {
namespace {

Answer Json(int status, std::string body) {
  Answer answer;
  answer.status = status;
  answer.body = std::move(body);
  return answer;
}

std::string Status(const Call& call) {
  switch (call.state) {
    case CallState::kQueued:
    case CallState::kInitiated:
      return "initiated";
    case CallState::kRinging:
      return "ringing";
    case CallState::kAnswered:
      return "answered";
    case CallState::kEnded:
      return call.status;
  }
  return "";
}

std::string ReportJson(const Call& call, WallTime now) {
  core::JsonWriter json;
  json.BeginObject().Key("call_id").String(call.id);
  if (!call.reference.empty()) json.Key("call_trigger_id").String(call.reference);
  json.Key("status").String(Status(call));
  json.Key("occurred_at").String(date::format("%FT%TZ", now));
  if (call.answered) {
    json.Key("answered_by").String(call.plan.outcome == "machine" ? "machine" : "human");
  }
  if (call.state == CallState::kEnded) {
    json.Key("duration").Int(call.duration_s);
    if (call.answered) {
      json.Key("sentiment").String("positive").Key("summary").String("They talked.");
      json.Key("transcript").String("Hello. Yes.");
    }
  }
  return json.EndObject().Take();
}

}  // namespace

bool PackagesFront::IsGenuine(const Request& request, const std::string& id) const {
  const std::string& secret = world_.settings.hook_secret;
  return !id.empty() &&
         (secret.empty() || core::StandardWebhookOk(
                                secret, id, FindHeader(request.headers, "webhook-timestamp"),
                                FindHeader(request.headers, "webhook-signature"), request.body,
                                std::chrono::floor<std::chrono::seconds>(world_.scheduler.Now())));
}

Answer PackagesFront::Handle(const Request& request) {
  const std::string id(FindHeader(request.headers, "webhook-id"));
  if (!IsGenuine(request, id)) {
    ++refused_;
    return Json(401, R"({"error":"bad signature"})");
  }
  const std::optional<core::Json> body = core::TryParseJson(request.body);
  const std::string to = body ? core::FindText(*body, "phone_number").value_or("") : "";
  const Fault fault = world_.NextFaultFor("create", to);
  if (!Acts(fault)) return Spoil({}, fault, world_.settings, "{}");
  if (world_.settings.packages_status / 100 != 2) {
    return Json(world_.settings.packages_status, R"({"error":"not now"})");
  }
  if (!to.starts_with('+') || !IsNumber(to.substr(1))) {
    return Json(422, R"({"error":"bad phone_number"})");
  }
  ++delivered_;
  const auto known = call_by_message_.find(id);
  const Call& call =
      known != call_by_message_.end() ? *known->second : Place(id, to, *body, request, fault);
  core::JsonWriter json;
  json.BeginObject().Key("call_id").String(call.id).EndObject();
  return Spoil(Json(world_.settings.packages_status, json.Take()), fault, world_.settings, "{}");
}

Call& PackagesFront::Place(const std::string& id, const std::string& to,
                           const core::JsonValue& body, const Request& request, Fault fault) {
  Call call;
  call.provider = "webhook";
  call.id = "pk-" + FreshId();
  call.to = to;
  call.reference = core::FindText(body, "call_trigger_id").value_or("");
  call.package = request.body;
  call.said = {core::FindText(body, "call_script").value_or("")};
  call.plan = world_.simulation.Plan(to, world_.ledger.TimesDialed(to));
  call.accepted = world_.scheduler.Now();
  call.fault = FaultName(fault);
  Call& placed = world_.ledger.AddCall(std::move(call));
  call_by_message_[id] = &placed;
  world_.simulation.Start(placed, [this](Call& changed) { OnStep(changed); });
  return placed;
}

void PackagesFront::OnStep(Call& call) {
  const Settings& settings = world_.settings;
  if (settings.packages_report.empty() || settings.hook_secret.empty()) return;
  const auto now = world_.scheduler.Now();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  const std::string id = "evt_" + FreshId();
  Outgoing report;
  report.url = settings.packages_report;
  report.body = ReportJson(call, now);
  report.headers = {{"Content-Type", "application/json"},
                    {"webhook-id", id},
                    {"webhook-timestamp", std::to_string(seconds.time_since_epoch().count())},
                    {"webhook-signature",
                     core::SignStandardWebhook(settings.hook_secret, id, seconds, report.body)}};
  world_.webhooks.Post(std::move(report));
}

void PackagesFront::Reset() {
  call_by_message_.clear();
  delivered_ = refused_ = 0;
}

}  // namespace switchboard::carrier
