#include "test/doubles/carrier/carrier_receivers.hpp"

#include "workers/core/json.hpp"
#include "workers/core/standard_webhooks.hpp"

namespace switchboard::carrier {
namespace {

// Exactly 100 bytes, what the benchmarks expect of an endpoint.
constexpr char kSinkBody[] =
    R"({"ok":true,"pad":"01234567890123456789012345678901234567890123456789012345678901234567890123456789"})";
static_assert(sizeof(kSinkBody) - 1 == 100);

Answer Json(int status, std::string body) {
  Answer answer;
  answer.status = status;
  answer.body = std::move(body);
  return answer;
}

}  // namespace

Answer Receivers::Hook(const Request& request) {
  const Fault fault = world_.NextFaultFor("hook", "");
  if (!Acts(fault)) return Spoil({}, fault, world_.settings, "{}");
  const std::string id(FindHeader(request.headers, "webhook-id"));
  const std::string& secret = world_.settings.hook_secret;
  const bool good =
      !id.empty() &&
      (secret.empty() ||
       core::StandardWebhookOk(secret, id, FindHeader(request.headers, "webhook-timestamp"),
                               FindHeader(request.headers, "webhook-signature"), request.body,
                               std::chrono::floor<std::chrono::seconds>(world_.scheduler.Now())));
  if (!good) {
    ++hooks_refused_;
    return Json(401, R"({"error":"bad signature"})");
  }
  if (world_.settings.hook_status / 100 == 2) {
    ++hooks_taken_;
    ++hook_counts_[id];
  }
  Answer answer = Json(world_.settings.hook_status, R"({"ok":true})");
  if (answer.status / 100 == 3) answer.headers = {{"Location", "/hooks/elsewhere"}};
  return Spoil(std::move(answer), fault, world_.settings, "{}");
}

Answer Receivers::Sink(const Request&) {
  const Fault fault = world_.NextFaultFor("sink", "");
  if (!Acts(fault)) return Spoil({}, fault, world_.settings, "{}");
  ++sunk_;
  Answer answer = Spoil(Json(200, kSinkBody), fault, world_.settings, "{}");
  if (fault != Fault::kSlow) answer.delay = std::chrono::milliseconds(world_.settings.sink_ms);
  return answer;
}

Answer Receivers::Inbox(const Request& request) {
  inbox_.push_back(request);
  Answer answer = Json(200, world_.settings.inbox_answer);
  if (answer.body.starts_with('<')) answer.content_type = "text/xml";
  return answer;
}

std::string Receivers::HooksJson() const {
  core::JsonWriter json;
  json.BeginObject().Key("taken").Int(static_cast<std::int64_t>(hooks_taken_));
  json.Key("refused").Int(static_cast<std::int64_t>(hooks_refused_)).Key("by_id").BeginObject();
  for (const auto& [id, count] : hook_counts_) {
    json.Key(id).Int(static_cast<std::int64_t>(count));
  }
  json.EndObject().EndObject();
  return json.Take();
}

std::string Receivers::InboxJson() const {
  core::JsonWriter json;
  json.BeginObject().Key("requests").BeginArray();
  for (const Request& request : inbox_) {
    json.BeginObject().Key("method").String(request.method).Key("target").String(request.target);
    json.Key("headers").BeginObject();
    for (const auto& [name, value] : request.headers) json.Key(name).String(value);
    json.EndObject().Key("body").String(request.body).EndObject();
  }
  json.EndArray().EndObject();
  return json.Take();
}

void Receivers::Reset() {
  hook_counts_.clear();
  hooks_taken_ = hooks_refused_ = sunk_ = 0;
  inbox_.clear();
}

}  // namespace switchboard::carrier
