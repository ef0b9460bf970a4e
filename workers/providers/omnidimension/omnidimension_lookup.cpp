// The call logs of the agent, page by page. They show neither our ids nor a time zone, and their
// order is not documented: an entry is ours by number and time, and a page that is older than the
// doubt ends the search only when it is sorted.
#include <algorithm>
#include <ctime>

#include "workers/core/encoding.hpp"
#include "workers/providers/fields.hpp"
#include "workers/providers/lookup.hpp"
#include "workers/providers/omnidimension/omnidimension.hpp"
#include "workers/providers/omnidimension/omnidimension_common.hpp"
#include "workers/providers/outcome.hpp"

namespace switchboard::providers::omnidimension {
namespace {

constexpr std::chrono::hours kSettle{1};
constexpr std::chrono::minutes kAskAgain{1};
constexpr std::chrono::hours kFarthestZone{14};
constexpr std::chrono::minutes kZoneStep{15};  // every zone is off by a multiple of it

std::optional<std::chrono::minutes> UtcOffset(const Account& account) {
  const std::optional<core::Json> settings = core::TryParseJson(account.settings);
  const auto minutes = settings ? core::FindInt(*settings, "utc_offset_minutes") : std::nullopt;
  if (!minutes) return std::nullopt;
  return std::chrono::minutes(*minutes);
}

// As if it were UTC.
std::optional<Instant> WallTime(const core::JsonValue& entry) {
  std::tm time{};
  const std::string text = Told(entry, "time_of_call");
  if (strptime(text.c_str(), "%m/%d/%Y %H:%M:%S", &time) == nullptr) return std::nullopt;
  return Instant(std::chrono::seconds(timegm(&time)));
}

bool IsAtThatTime(const core::JsonValue& entry, const Job& job, const Account& account) {
  const std::optional<Instant> wall = WallTime(entry);
  if (!wall) return true;
  if (const auto offset = UtcOffset(account)) return InLookupWindow(job, *wall - *offset);
  for (std::chrono::minutes offset = -kFarthestZone; offset <= kFarthestZone; offset += kZoneStep) {
    if (InLookupWindow(job, *wall - offset)) return true;
  }
  return false;
}

bool IsOurs(const core::JsonValue& entry, const Job& job, const Account& account,
            const std::string& to) {
  return Digits(Told(entry, "to_number")) == to && Told(entry, "call_direction") != "inbound" &&
         IsAtThatTime(entry, job, account);
}

// Newest first, and nothing in it is as late as the doubt.
bool IsTooOld(const core::JsonValue& list, const Job& job, const Account& account, Instant now) {
  const Instant from = LookupFrom(job, now) + UtcOffset(account).value_or(-kFarthestZone);
  std::optional<Instant> before;
  for (const core::JsonValue& entry : list.GetArray()) {
    const std::optional<Instant> at = WallTime(entry);
    if (!at || *at >= from || (before && *at > *before)) return false;
    before = at;
  }
  return true;
}

std::size_t PageOf(const std::string& url) {
  for (const auto& [name, value] : core::ParseForm(core::QueryOf(url))) {
    if (name == "pageno") return std::stoul(value);
  }
  return 1;
}

Result NotListed(const Job& job, const Account& account, Instant now) {
  Result result = NothingFound(job, account, now, kSettle);
  if (result.retry_after) {
    result.retry_after = std::min<std::chrono::milliseconds>(*result.retry_after, kAskAgain);
  }
  return result;
}

}  // namespace

Built OmniDimension::BuildLookup(const Job& job, const Account& account, Instant) const {
  const std::optional<core::Json> payload = core::TryParseJson(job.payload);
  if (!payload || Text(*payload, "to").empty()) {
    return BadPayload("the call names no number to look for");
  }
  return Request("GET", LogsPath(Id(*payload, account, "agent_id"), 1), account);
}

Looked OmniDimension::InterpretLookup(const Job& job, const Account& account,
                                      const HttpRequest& asked, const HttpResponse& response,
                                      Instant now) const {
  Result doubt = DefaultOutcome(Effect::kRead, response, now);
  const std::optional<core::Json> payload = core::TryParseJson(job.payload);
  const std::optional<core::Json> body = core::TryParseJson(response.body);
  const core::JsonValue* list = body ? core::Find(*body, "call_log_data") : nullptr;
  const std::int64_t total = body ? core::FindInt(*body, "total_records").value_or(-1) : -1;
  const bool listed = response.transport == Transport::kAnswered && response.status == 200 &&
                      list != nullptr && list->IsArray() && total >= 0;
  if (!listed || !payload) return Finish(CouldNotAsk(std::move(doubt)), account);

  const std::string to = Digits(Text(*payload, "to"));
  for (const core::JsonValue& entry : list->GetArray()) {
    if (IsOurs(entry, job, account, to)) return Finish(Taken(RequestId(entry)), account);
  }
  const std::size_t page = PageOf(asked.url);
  const bool more = static_cast<std::size_t>(total) > page * kPageSize;
  if (!more || (!list->Empty() && IsTooOld(*list, job, account, now))) {
    return NotListed(job, account, now);
  }
  if (list->Empty()) return Finish(CouldNotAsk(std::move(doubt)), account);
  return Request("GET", LogsPath(Id(*payload, account, "agent_id"), page + 1), account);
}

}  // namespace switchboard::providers::omnidimension
