// First the live calls, then the call records: a call that ends between the two questions is in
// the second list, so none is missed.
#include <date/date.h>

#include <ctime>

#include "workers/core/encoding.hpp"
#include "workers/core/json.hpp"
#include "workers/providers/fields.hpp"
#include "workers/providers/lookup.hpp"
#include "workers/providers/outcome.hpp"
#include "workers/providers/voipstudio/voipstudio.hpp"
#include "workers/providers/voipstudio/voipstudio_common.hpp"

namespace switchboard::providers::voipstudio {
namespace {

constexpr std::size_t kPageSize = 100;

std::chrono::minutes UtcOffset(const Account& account) {
  const std::optional<core::Json> settings = core::TryParseJson(account.settings);
  const auto minutes = settings ? core::FindInt(*settings, "utc_offset_minutes") : std::nullopt;
  return std::chrono::minutes(minutes.value_or(0));
}

HttpRequest AskLive(const Account& account) {
  return Request("GET", Base(account) + "/calls", account);
}

HttpRequest AskRecords(const Job& job, const Account& account, std::size_t page, Instant now) {
  const std::optional<CallOrder> order = ReadOrder(job, account);
  const auto from =
      std::chrono::floor<std::chrono::seconds>(LookupFrom(job, now) + UtcOffset(account));
  core::JsonWriter filter;
  filter.BeginArray();
  filter.BeginObject().Key("property").String("calldate").Key("operator").String("gte");
  filter.Key("value").String(date::format("%F %T", from)).EndObject();
  filter.BeginObject().Key("property").String("dst").Key("operator").String("eq");
  filter.Key("value").String(order ? order->to : "").EndObject().EndArray();
  return Request("GET",
                 Base(account) + "/cdrs?limit=" + std::to_string(kPageSize) +
                     "&page=" + std::to_string(page) +
                     "&sort=calldate&dir=DESC&filter=" + core::UrlEncode(filter.Take()),
                 account);
}

// Unix seconds, or a text without a zone.
std::optional<Instant> ReadTime(const core::JsonValue& entry, std::string_view key,
                                std::chrono::minutes utc_offset) {
  if (const auto seconds = core::FindInt(entry, key)) {
    return Instant(std::chrono::seconds(*seconds));
  }
  std::tm time{};
  const std::string text = Text(entry, key);
  if (strptime(text.c_str(), "%Y-%m-%d %H:%M:%S", &time) == nullptr) return std::nullopt;
  return Instant(std::chrono::seconds(timegm(&time)) - utc_offset);
}

bool IsOurs(const core::JsonValue& entry, const Job& job, const Account& account,
            std::string_view time_key) {
  const std::optional<CallOrder> order = ReadOrder(job, account);
  if (!order || Digits(Text(entry, "dst")) != order->to) return false;
  const std::string agent = Text(entry, "src_id");
  if (!order->agent.empty() && !agent.empty() && agent != order->agent) return false;
  return InLookupWindow(job, ReadTime(entry, time_key, UtcOffset(account)));
}

std::size_t PageOf(std::string_view url) {
  for (const auto& [name, value] : core::ParseForm(core::QueryOf(url))) {
    if (name == "page") return std::stoul(value);
  }
  return 1;
}

}  // namespace

Built VoipStudio::BuildLookup(const Job& job, const Account& account, Instant) const {
  const std::optional<CallOrder> order = ReadOrder(job, account);
  if (!order || order->to.empty()) return BadPayload("the call names no number to look for");
  return AskLive(account);
}

Looked VoipStudio::InterpretLookup(const Job& job, const Account& account, const HttpRequest& asked,
                                   const HttpResponse& response, Instant now) const {
  Result doubt = DefaultOutcome(Effect::kRead, response, now);
  const std::optional<core::Json> body = core::TryParseJson(response.body);
  const core::JsonValue* data = body ? core::Find(*body, "data") : nullptr;
  const bool read = response.transport == Transport::kAnswered && response.status == 200 &&
                    data != nullptr && data->IsArray();
  if (!read) return Finish(CouldNotAsk(std::move(doubt)), account);

  const bool live = asked.url.find("/cdrs?") == std::string::npos;
  for (const core::JsonValue& entry : data->GetArray()) {
    if (IsOurs(entry, job, account, live ? "start_time" : "calldate")) {
      return Finish(Taken(Text(entry, live ? "id" : "live_id")), account);
    }
  }
  const std::size_t total = core::FindInt(*body, "total").value_or(data->Size());
  if (live) {
    if (total > data->Size()) {
      doubt.error = "the list of live calls is incomplete";
      return CouldNotAsk(std::move(doubt));
    }
    return AskRecords(job, account, 1, now);
  }
  const std::size_t page = PageOf(asked.url);
  if (data->Size() > 0 && total > page * kPageSize) {
    return AskRecords(job, account, page + 1, now);
  }
  return NothingFound(job, account, now);
}

}  // namespace switchboard::providers::voipstudio
