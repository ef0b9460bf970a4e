// Calls: first those still queued, then those started since the day of sending. Whether the second
// list also holds queued ones is not documented; a call that leaves the queue between the two
// questions is in the second, so none is missed. Messages: one list.
#include <date/date.h>

#include <algorithm>

#include "workers/core/encoding.hpp"
#include "workers/core/retry_after.hpp"
#include "workers/providers/fields.hpp"
#include "workers/providers/lookup.hpp"
#include "workers/providers/outcome.hpp"
#include "workers/providers/twilio/twilio.hpp"
#include "workers/providers/twilio/twilio_common.hpp"

namespace switchboard::providers::twilio {
namespace {

constexpr std::string_view kPageSize = "100";

bool IsCall(const Job& job) { return job.kind == "call"; }

std::string FirstDay(const Job& job, Instant now) {
  return date::format("%F", std::chrono::floor<std::chrono::seconds>(LookupFrom(job, now)));
}

HttpRequest AskList(const Job& job, const core::Json& payload, const Account& account,
                    const Credentials& credentials, core::FormFields filter) {
  const Parties parties = ReadParties(payload);
  filter.insert(filter.begin(), {"To", parties.to});
  // Messages of a service are sent from any of its numbers.
  if (!parties.from.starts_with("MG")) {
    filter.insert(filter.begin() + 1, {"From", parties.from});
  }
  filter.emplace_back("PageSize", kPageSize);
  const std::string list = IsCall(job) ? "/Calls.json?" : "/Messages.json?";
  return Request("GET", AccountUrl(account, credentials) + list + core::FormEncode(filter),
                 credentials);
}

bool AskedQueued(const HttpRequest& asked) {
  const core::FormFields query = core::ParseForm(core::QueryOf(asked.url));
  return std::find(query.begin(), query.end(), core::FormFields::value_type("Status", "queued")) !=
         query.end();
}

// Dates are RFC 2822 with the zone "+0000", which the HTTP form writes as GMT.
std::optional<Instant> ReadTime(const core::JsonValue& entry, std::string_view key) {
  std::string text = Text(entry, key);
  if (text.ends_with(" +0000")) text.replace(text.size() - 5, 5, "GMT");
  return core::ParseHttpDate(text);
}

std::optional<Instant> TakenAt(const core::JsonValue& entry) {
  const std::optional<Instant> created = ReadTime(entry, "date_created");
  return created ? created : ReadTime(entry, "start_time");
}

bool IsOurs(const core::JsonValue& entry, const Job& job, const core::Json& payload) {
  const Parties parties = ReadParties(payload);
  if (Text(entry, "to") != parties.to || Text(entry, "direction") != "outbound-api") return false;
  const bool service = parties.from.starts_with("MG");
  if (Text(entry, service ? "messaging_service_sid" : "from") != parties.from) return false;
  if (!IsCall(job) && Text(entry, "body") != Text(payload, "body")) return false;
  return InLookupWindow(job, TakenAt(entry));
}

// A page's address is a path of this very host; anything else is not followed.
std::string NextPage(const core::Json& body, const Account& account,
                     const Credentials& credentials) {
  const std::string path = Text(body, "next_page_uri");
  if (!path.starts_with("/2010-04-01/Accounts/")) return "";
  const std::string account_url = AccountUrl(account, credentials);
  return account_url.substr(0, account_url.find("/2010-04-01/Accounts/")) + path;
}

}  // namespace

Built Twilio::BuildLookup(const Job& job, const Account& account, Instant now) const {
  const auto read = ReadCredentials(account);
  if (const Result* bad = std::get_if<Result>(&read)) return *bad;
  const std::optional<core::Json> payload = core::TryParseJson(job.payload);
  if (!payload || ReadParties(*payload).to.empty()) return BadPayload("nothing to look for");
  const core::FormFields filter = IsCall(job) ? core::FormFields{{"Status", "queued"}}
                                              : core::FormFields{{"DateSent>", FirstDay(job, now)}};
  return AskList(job, *payload, account, std::get<Credentials>(read), filter);
}

Looked Twilio::InterpretLookup(const Job& job, const Account& account, const HttpRequest& asked,
                               const HttpResponse& response, Instant now) const {
  Result doubt = DefaultOutcome(Effect::kRead, response, now);
  const auto read = ReadCredentials(account);
  const std::optional<core::Json> payload = core::TryParseJson(job.payload);
  const std::optional<core::Json> body = core::TryParseJson(response.body);
  const core::JsonValue* list =
      body ? core::Find(*body, IsCall(job) ? "calls" : "messages") : nullptr;
  const bool listed = response.transport == Transport::kAnswered && response.status == 200 &&
                      list != nullptr && list->IsArray();
  if (!listed || !payload || std::holds_alternative<Result>(read)) {
    return Finish(CouldNotAsk(std::move(doubt)), account, BasicUser(account));
  }
  for (const core::JsonValue& entry : list->GetArray()) {
    if (!IsOurs(entry, job, *payload)) continue;
    return Finish(Taken(Text(entry, "sid")), account, BasicUser(account));
  }
  const Credentials& credentials = std::get<Credentials>(read);
  if (const std::string next = NextPage(*body, account, credentials); !next.empty()) {
    return Request("GET", next, credentials);
  }
  if (IsCall(job) && AskedQueued(asked)) {
    return AskList(job, *payload, account, credentials, {{"StartTime>", FirstDay(job, now)}});
  }
  return NothingFound(job, account, now);
}

}  // namespace switchboard::providers::twilio
