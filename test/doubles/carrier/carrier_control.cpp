#include "test/doubles/carrier/carrier_control.hpp"

#include <date/date.h>

#include <set>

#include "workers/core/encoding.hpp"
#include "workers/core/errors.hpp"
#include "workers/core/json.hpp"

namespace switchboard::carrier {
namespace {

Answer Json(std::string body, int status = 200) {
  Answer answer;
  answer.status = status;
  answer.body = std::move(body);
  return answer;
}

Answer NotFound() { return Json(R"({"error":"not found"})", 404); }

void AddTime(core::JsonWriter* json, std::string_view key, const std::optional<WallTime>& time) {
  json->Key(key);
  if (time) {
    json->String(date::format("%FT%TZ", *time));
  } else {
    json->Null();
  }
}

void AddTexts(core::JsonWriter* json, std::string_view key, const std::vector<std::string>& texts) {
  json->Key(key).BeginArray();
  for (const std::string& text : texts) json->String(text);
  json->EndArray();
}

void AddEntry(core::JsonWriter* json, const Call& call) {
  json->BeginObject().Key("provider").String(call.provider).Key("id").String(call.id);
  json->Key("account").String(call.account).Key("to").String(call.to);
  json->Key("from").String(call.from).Key("agent").String(call.agent);
  json->Key("reference").String(call.reference).Key("status").String(call.status);
  json->Key("outcome").String(call.plan.outcome).Key("answered_by").String(call.answered_by);
  AddTime(json, "accepted_at", call.accepted);
  AddTime(json, "answered_at", call.answered);
  AddTime(json, "ended_at", call.ended);
  json->Key("duration_s").Int(call.duration_s).Key("fault").String(call.fault);
  AddTexts(json, "said", call.said);
  AddTexts(json, "dialed", call.dialed);
  AddTexts(json, "talked", call.talked);
  json->Key("direction").String(call.inbound ? "inbound" : "outbound");
  json->Key("package").String(call.package);
  json->Key("status_callback").String(call.status_callback).EndObject();
}

void AddEntry(core::JsonWriter* json, const Message& message) {
  json->BeginObject().Key("id").String(message.id).Key("account").String(message.account);
  json->Key("to").String(message.to).Key("from").String(message.from).Key("body");
  json->String(message.body).Key("reference").String(message.reference);
  json->Key("status").String(message.status).Key("fault").String(message.fault);
  AddTime(json, "accepted_at", message.accepted);
  AddTexts(json, "media", message.media);
  json->Key("status_callback").String(message.status_callback).EndObject();
}

std::size_t Number(std::string_view url, std::string_view name, std::size_t otherwise) {
  const std::string text = QueryValue(url, {name});
  return text.empty() ? otherwise : std::strtoull(text.c_str(), nullptr, 10);
}

// In the order in which they were accepted.
template <typename Entry>
std::string ListJson(const std::string& name, const std::deque<Entry>& entries,
                     const std::string& url) {
  const std::string to = QueryValue(url, {"to"});
  const std::string from = QueryValue(url, {"from"});
  const std::string reference = QueryValue(url, {"reference"});
  const std::size_t offset = Number(url, "offset", 0);
  const std::size_t limit = Number(url, "limit", entries.size());
  std::size_t total = 0;
  core::JsonWriter json;
  json.BeginObject().Key(name).BeginArray();
  for (const Entry& entry : entries) {
    if ((!to.empty() && entry.to != to) || (!from.empty() && entry.from != from) ||
        (!reference.empty() && entry.reference != reference)) {
      continue;
    }
    if (total >= offset && total - offset < limit) AddEntry(&json, entry);
    ++total;
  }
  json.EndArray().Key("total").Int(static_cast<std::int64_t>(total)).EndObject();
  return json.Take();
}

template <typename Key>
void AddCounts(core::JsonWriter* json, std::string_view name,
               const std::map<Key, std::size_t>& counts) {
  json->Key(name).BeginObject();
  for (const auto& [key, count] : counts) {
    if constexpr (std::is_same_v<Key, int>) {
      json->Key(std::to_string(key));
    } else {
      json->Key(key);
    }
    json->Int(static_cast<std::int64_t>(count));
  }
  json->EndObject();
}

}  // namespace

Answer Router::Handle(const Request& request) {
  const std::string_view path = request.path();
  ++requests_;
  if (path.starts_with("/sink")) return receivers_.Sink(request);
  if (path.starts_with("/hooks")) return receivers_.Hook(request);
  if (path.starts_with("/inbox")) return receivers_.Inbox(request);
  if (path.starts_with("/packages")) return packages_.Handle(request);
  if (path.starts_with("/api/v1/")) return omnidimension_.Handle(request, path.substr(8));
  if (path.starts_with("/2010-04-01/")) return twilio_.Handle(request);
  for (const std::string_view base : {"/v1.2/voipstudio/", "/v1.1/voipstudio/"}) {
    if (path.starts_with(base)) return voipstudio_.Handle(request, path.substr(base.size()));
  }
  if (path == "/v1/calls" || path.starts_with("/v1/calls/")) return vonage_.Handle(request);
  if (path.starts_with("/control/")) return Control(request);
  return NotFound();
}

Answer Router::Control(const Request& request) {
  const std::string_view what = request.path().substr(sizeof("/control/") - 1);
  if (request.method == "POST") {
    if (what == "config") return Config(request);
    if (what == "inbound") return Inbound(request);
    if (what != "reset") return NotFound();
    world_.Reset();
    packages_.Reset();
    receivers_.Reset();
    requests_ = 0;
    return Json("{}");
  }
  if (what == "calls") return Json(ListJson("calls", world_.ledger.calls(), request.target));
  if (what == "messages") {
    return Json(ListJson("messages", world_.ledger.messages(), request.target));
  }
  if (what == "stats") return Json(StatsJson());
  if (what == "hooks") return Json(receivers_.HooksJson());
  if (what == "inbox") return Json(receivers_.InboxJson());
  return NotFound();
}

Answer Router::Config(const Request& request) {
  try {
    world_.settings.Apply(core::ParseJson(request.body));
    return Json("{}");
  } catch (const core::Error& error) {
    return Json(R"({"error":)" + core::JsonQuote(error.what()) + "}", 400);
  }
}

Answer Router::Inbound(const Request& request) {
  try {
    const InboundOrder order = ReadInboundOrder(core::ParseJson(request.body));
    PlaceInboundCalls(world_, order, [this](const InboundOrder& order, const std::string& from) {
      if (order.provider == "twilio") {
        twilio_.TakeCall(order, from);
      } else {
        vonage_.TakeCall(order, from);
      }
    });
    return Json("{}");
  } catch (const core::Error& error) {
    return Json(R"({"error":)" + core::JsonQuote(error.what()) + "}", 400);
  }
}

std::string Router::StatsJson() const {
  const auto count = [](std::size_t value) { return static_cast<std::int64_t>(value); };
  std::map<std::string, std::size_t> by_status;
  std::map<std::string, std::size_t> by_outcome;
  std::set<std::string> numbers;
  for (const Call& call : world_.ledger.calls()) {
    ++by_status[call.status];
    ++by_outcome[call.plan.outcome];
    numbers.insert(call.to);
  }
  const WebhookCounts& webhooks = world_.webhooks.counts();
  core::JsonWriter json;
  json.BeginObject().Key("requests").Int(count(requests_));
  json.Key("calls").Int(count(world_.ledger.calls().size()));
  json.Key("numbers").Int(count(numbers.size()));
  json.Key("duplicate_calls").Int(count(world_.ledger.DuplicateCalls()));
  json.Key("live").Int(count(world_.ledger.live()));
  json.Key("max_live").Int(count(world_.ledger.max_live()));
  AddCounts(&json, "by_status", by_status);
  AddCounts(&json, "by_outcome", by_outcome);
  json.Key("messages").Int(count(world_.ledger.messages().size()));
  json.Key("duplicate_messages").Int(count(world_.ledger.DuplicateMessages()));
  json.Key("hooks").Int(count(receivers_.hooks()));
  json.Key("duplicate_hooks").Int(count(receivers_.HookDuplicates()));
  json.Key("refused_hooks").Int(count(receivers_.hooks_refused()));
  json.Key("sunk").Int(count(receivers_.sunk()));
  json.Key("packages").Int(count(packages_.delivered()));
  json.Key("refused_packages").Int(count(packages_.refused()));
  json.Key("webhooks").BeginObject().Key("posted").Int(count(webhooks.posted));
  json.Key("repeated").Int(count(webhooks.repeated)).Key("failed").Int(count(webhooks.failed));
  AddCounts(&json, "by_status", webhooks.by_status);
  json.EndObject();
  const AgentCounts& agents = world_.agents.counts();
  json.Key("agents").BeginObject().Key("rung").Int(count(agents.rung));
  json.Key("answered").Int(count(agents.answered)).Key("engaged").Int(count(agents.engaged));
  json.EndObject();
  AddCounts(&json, "faults", world_.faults_done);
  json.EndObject();
  return json.Take();
}

}  // namespace switchboard::carrier
