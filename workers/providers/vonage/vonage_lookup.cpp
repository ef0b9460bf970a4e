// One list holds the calls of every state, and is asked for the time around the doubt.
#include <date/date.h>

#include <ctime>

#include "workers/core/encoding.hpp"
#include "workers/core/json.hpp"
#include "workers/providers/fields.hpp"
#include "workers/providers/lookup.hpp"
#include "workers/providers/outcome.hpp"
#include "workers/providers/vonage/vonage.hpp"
#include "workers/providers/vonage/vonage_common.hpp"

namespace switchboard::providers::vonage {
namespace {

constexpr std::size_t kPageSize = 100;

std::string PageQuery(const Job& job, Instant now, std::size_t first) {
  const auto from = std::chrono::floor<std::chrono::seconds>(LookupFrom(job, now));
  return "?" + core::FormEncode({{"date_start", date::format("%FT%TZ", from)},
                                 {"order", "asc"},
                                 {"page_size", std::to_string(kPageSize)},
                                 {"record_index", std::to_string(first)}});
}

// The end of a call: an object, in some answers a list of one.
std::string NumberOf(const core::JsonValue& entry, std::string_view key) {
  const core::JsonValue* end = core::Find(entry, key);
  if (end != nullptr && end->IsArray() && !end->Empty()) end = &(*end)[0];
  return end != nullptr ? Digits(Text(*end, "number")) : "";
}

std::optional<Instant> StartOf(const core::JsonValue& entry) {
  std::tm time{};
  const std::string text = Text(entry, "start_time");
  if (strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &time) == nullptr) return std::nullopt;
  return Instant(std::chrono::seconds(timegm(&time)));
}

bool IsOurs(const core::JsonValue& entry, const Job& job, const core::Json& payload) {
  return Text(entry, "direction") == "outbound" &&
         NumberOf(entry, "to") == Digits(Text(payload, "to")) &&
         NumberOf(entry, "from") == Digits(Text(payload, "from")) &&
         InLookupWindow(job, StartOf(entry));
}

std::size_t FirstOf(const std::string& url) {
  for (const auto& [name, value] : core::ParseForm(core::QueryOf(url))) {
    if (name == "record_index") return std::stoul(value);
  }
  return 0;
}

}  // namespace

Built Vonage::BuildLookup(const Job& job, const Account& account, Instant now) const {
  const std::optional<core::Json> payload = core::TryParseJson(job.payload);
  if (!payload || Text(*payload, "to").empty()) return BadPayload("nothing to look for");
  return Request("GET", PageQuery(job, now, 0), job, account, now);
}

Looked Vonage::InterpretLookup(const Job& job, const Account& account, const HttpRequest& asked,
                               const HttpResponse& response, Instant now) const {
  Result doubt = DefaultOutcome(Effect::kRead, response, now);
  const std::optional<core::Json> payload = core::TryParseJson(job.payload);
  const std::optional<core::Json> body = core::TryParseJson(response.body);
  const core::JsonValue* embedded = body ? core::Find(*body, "_embedded") : nullptr;
  const core::JsonValue* list = embedded != nullptr ? core::Find(*embedded, "calls") : nullptr;
  const bool listed = response.transport == Transport::kAnswered && response.status == 200 &&
                      list != nullptr && list->IsArray();
  if (!listed || !payload) return Finish(CouldNotAsk(std::move(doubt)), account);
  for (const core::JsonValue& entry : list->GetArray()) {
    if (IsOurs(entry, job, *payload)) return Finish(Taken(Text(entry, "uuid")), account);
  }
  const std::size_t seen = FirstOf(asked.url) + list->Size();
  const auto total = core::FindInt(*body, "count");
  if (total && static_cast<std::size_t>(*total) > seen) {
    if (list->Empty()) return Finish(CouldNotAsk(std::move(doubt)), account);
    HttpRequest next = asked;  // its token outlives the few questions of one look-up
    next.url = asked.url.substr(0, asked.url.find('?')) + PageQuery(job, now, seen);
    return next;
  }
  return NothingFound(job, account, now);
}

}  // namespace switchboard::providers::vonage
