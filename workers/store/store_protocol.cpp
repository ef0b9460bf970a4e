#include "workers/store/store_protocol.hpp"

#include <algorithm>
#include <utility>

#include "workers/core/json.hpp"

namespace switchboard::store {
namespace {

using core::JsonValue;
using core::JsonWriter;
using engine::milliseconds;

void WriteKeys(JsonWriter& writer, std::span<const engine::JobKey> jobs) {
  writer.BeginArray();
  for (const engine::JobKey& key : jobs) {
    writer.BeginObject().Key("id").String(key.id).Key("token").Int(key.token).EndObject();
  }
  writer.EndArray();
}

void WriteText(JsonWriter& writer, std::string_view key, std::string_view text) {
  if (!text.empty()) writer.Key(key).String(text);
}

void WriteFinished(JsonWriter& writer, const engine::Finished& finished) {
  writer.BeginObject();
  writer.Key("id").String(finished.key.id).Key("token").Int(finished.key.token);
  writer.Key("outcome").String(providers::OutcomeName(finished.outcome));
  WriteText(writer, "provider_id", finished.provider_id);
  WriteText(writer, "code", finished.code);
  WriteText(writer, "error", finished.error);
  if (finished.retry_in) writer.Key("retry_in_ms").Int(finished.retry_in->count());
  writer.Key("ms").Int(finished.took.count());
  if (!finished.response_json.empty()) writer.Key("response").Raw(finished.response_json);
  writer.EndObject();
}

void WriteClaim(JsonWriter& writer, const engine::ClaimRequest& claim) {
  writer.BeginObject();
  writer.Key("limit").Int(claim.limit).Key("discover").Bool(claim.discover);
  writer.Key("lanes").BeginArray();
  for (const engine::LaneMark& mark : claim.marks) {
    writer.BeginObject().Key("lane").String(mark.lane).Key("priority").Int(mark.priority);
    writer.Key("since").String(mark.since).EndObject();
  }
  writer.EndArray();
  writer.Key("caps").BeginObject();
  for (const auto& [lane, cap] : claim.caps) writer.Key(lane).Int(cap);
  writer.EndObject();
  writer.Key("default_cap").Int(claim.default_cap);
  if (claim.since) writer.Key("since").String(*claim.since);
  writer.EndObject();
}

void WriteStats(JsonWriter& writer, const engine::WorkerStats& stats) {
  writer.BeginObject();
  writer.Key("in_flight").Int(stats.in_flight).Key("done").Int(stats.done);
  writer.Key("failed").Int(stats.failed);
  writer.Key("p50_ms").Double(stats.p50_ms).Key("p99_ms").Double(stats.p99_ms);
  WriteText(writer, "last_error", stats.last_error);
  writer.EndObject();
}

std::string Text(const JsonValue& value, std::string_view key) {
  return std::string(core::FindString(value, key).value_or(""));
}

int Int(const JsonValue& value, std::string_view key, int fallback) {
  return static_cast<int>(
      std::clamp<std::int64_t>(core::FindInt(value, key).value_or(fallback), -1 << 30, 1 << 30));
}

milliseconds Ms(const JsonValue& value, std::string_view key, milliseconds fallback) {
  return milliseconds(core::FindInt(value, key).value_or(fallback.count()));
}

template <class F>
void ForEach(const JsonValue& object, std::string_view key, F&& f) {
  const JsonValue* array = core::Find(object, key);
  if (array == nullptr || !array->IsArray()) return;
  for (const JsonValue& element : array->GetArray()) f(element);
}

std::vector<std::string> Texts(const JsonValue& object, std::string_view key) {
  std::vector<std::string> texts;
  ForEach(object, key,
          [&texts](const JsonValue& element) { texts.emplace_back(core::AsString(element)); });
  return texts;
}

engine::ClaimedJob ReadJob(const JsonValue& value, providers::Instant now) {
  engine::ClaimedJob claimed;
  claimed.key.id = Text(value, "id");
  claimed.key.token = core::FindInt(value, "token").value_or(0);
  claimed.job.id = claimed.key.id;
  claimed.job.kind = Text(value, "kind");
  claimed.job.attempt = Int(value, "attempt", 1);
  // A text, not an object: bodies are passed on byte for byte, and no number becomes a binary one.
  if (const auto payload = core::FindString(value, "payload")) claimed.job.payload = *payload;
  if (const auto ago = core::FindInt(value, "sent_ms_ago")) {
    claimed.job.sending_at = now - milliseconds(*ago);
  }
  claimed.in_doubt = core::FindString(value, "state") == "in_doubt";
  claimed.note = core::FindBool(value, "note").value_or(false);
  claimed.max_attempts = Int(value, "max_attempts", 1);
  claimed.lane = Text(value, "lane");
  claimed.tenant_id = Text(value, "tenant_id");
  claimed.account_id = Text(value, "account_id");
  return claimed;
}

engine::StoredAccount ReadAccount(const JsonValue& value) {
  engine::StoredAccount stored;
  stored.account.id = Text(value, "id");
  stored.account.tenant_id = Text(value, "tenant_id");
  stored.account.provider = Text(value, "provider");
  stored.account.name = Text(value, "name");
  stored.account.base_url = Text(value, "base_url");
  if (const JsonValue* settings = core::Find(value, "settings")) {
    if (settings->IsObject()) stored.account.settings = core::ToJson(*settings);
    stored.burst = core::FindNumber(*settings, "burst");
  }
  if (const JsonValue* secrets = core::Find(value, "secrets");
      secrets != nullptr && secrets->IsObject()) {
    for (const auto& member : secrets->GetObject()) {
      stored.sealed_secrets.emplace(core::AsString(member.name), core::AsString(member.value));
    }
  }
  stored.rate_per_second = core::FindNumber(value, "rate_per_second");
  if (const auto most = core::FindInt(value, "max_in_flight")) {
    stored.max_in_flight = static_cast<int>(std::clamp<std::int64_t>(*most, 0, 1 << 30));
  }
  return stored;
}

engine::WorkerSettings ReadSettings(const JsonValue& value) {
  engine::WorkerSettings settings;
  settings.max_in_flight = std::max(1, Int(value, "max_in_flight", settings.max_in_flight));
  settings.batch_size = std::max(1, Int(value, "batch_size", settings.batch_size));
  settings.poll_interval = Ms(value, "poll_interval_ms", settings.poll_interval);
  settings.lease = Ms(value, "lease_ms", settings.lease);
  settings.drain_timeout = Ms(value, "drain_timeout_ms", settings.drain_timeout);
  settings.egress_allow = Texts(value, "egress_allow");
  settings.allow_http = core::FindBool(value, "allow_http").value_or(false);
  settings.log_payloads = core::FindBool(value, "log_payloads").value_or(false);
  return settings;
}

}  // namespace

std::string EncodeHello(const WorkerIdentity& identity, std::span<const engine::JobKey> held) {
  JsonWriter writer;
  writer.BeginObject();
  writer.Key("worker").String(identity.key).Key("protocol").Int(1);
  writer.Key("kind").String(identity.kind).Key("pid").Int(identity.pid);
  writer.Key("host").String(identity.host).Key("version").String(identity.version);
  WriteKeys(writer.Key("jobs"), held);
  writer.EndObject();
  return writer.Take();
}

std::string EncodeTurn(std::string_view worker, const engine::TurnRequest& request) {
  JsonWriter writer;
  writer.BeginObject();
  writer.Key("worker").String(worker);
  writer.Key("finished").BeginArray();
  for (const engine::Finished& finished : request.finished) WriteFinished(writer, finished);
  writer.EndArray();
  if (request.claim) WriteClaim(writer.Key("claim"), *request.claim);
  if (request.stats) WriteStats(writer.Key("stats"), *request.stats);
  writer.EndObject();
  return writer.Take();
}

std::string EncodeKeys(std::string_view worker, std::span<const engine::JobKey> jobs) {
  JsonWriter writer;
  writer.BeginObject().Key("worker").String(worker);
  WriteKeys(writer.Key("jobs"), jobs);
  writer.EndObject();
  return writer.Take();
}

std::string EncodeRenew(std::string_view worker, std::span<const engine::JobKey> jobs,
                        milliseconds lease) {
  JsonWriter writer;
  writer.BeginObject().Key("worker").String(worker).Key("lease_ms").Int(lease.count());
  WriteKeys(writer.Key("jobs"), jobs);
  writer.EndObject();
  return writer.Take();
}

std::string EncodeGoodbye(std::string_view worker) {
  JsonWriter writer;
  writer.BeginObject().Key("worker").String(worker).EndObject();
  return writer.Take();
}

engine::HelloReply DecodeHello(std::string_view json) {
  const core::Json document = core::ParseJson(json);
  engine::HelloReply reply;
  reply.protocol = Int(document, "protocol", 0);
  reply.database = Text(document, "database");
  if (const JsonValue* settings = core::Find(document, "settings")) {
    reply.settings = ReadSettings(*settings);
  }
  return reply;
}

engine::WorkerSettings DecodeSettings(std::string_view json) {
  return ReadSettings(core::ParseJson(json));
}

engine::TurnReply DecodeTurn(std::string_view json, providers::Instant now) {
  const core::Json document = core::ParseJson(json);
  engine::TurnReply reply;
  ForEach(document, "jobs",
          [&](const JsonValue& value) { reply.jobs.push_back(ReadJob(value, now)); });
  ForEach(document, "accounts",
          [&](const JsonValue& value) { reply.accounts.push_back(ReadAccount(value)); });
  ForEach(document, "lanes", [&](const JsonValue& value) {
    reply.marks.push_back({Text(value, "lane"), Int(value, "priority", 0), Text(value, "since")});
  });
  if (const auto due = core::FindInt(document, "next_due_ms")) {
    reply.next_due = milliseconds(std::max<std::int64_t>(0, *due));
  }
  reply.foreign_claims = core::FindBool(document, "foreign_claims").value_or(false);
  reply.stale = Texts(document, "stale");
  return reply;
}

engine::SendingReply DecodeSending(std::string_view json) {
  const core::Json document = core::ParseJson(json);
  return {Texts(document, "go"), Texts(document, "stop")};
}

std::vector<std::string> DecodeLost(std::string_view json) {
  return Texts(core::ParseJson(json), "lost");
}

engine::FreeReply DecodeFree(std::string_view json) {
  const core::Json document = core::ParseJson(json);
  return {Int(document, "freed", 0), Int(document, "in_doubt", 0),
          core::FindBool(document, "foreign_claims").value_or(false)};
}

}  // namespace switchboard::store
