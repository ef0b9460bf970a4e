#include "workers/gateway/event_request.hpp"

#include <algorithm>
#include <boost/beast/websocket/rfc6455.hpp>
#include <charconv>
#include <utility>

#include "workers/core/encoding.hpp"
#include "workers/core/json.hpp"

namespace switchboard::gateway {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t kMaxNames = 32;
constexpr std::size_t kMaxNameLength = 64;

bool IsIn(const HttpRequest& request, http::field header, std::string_view wanted) {
  const auto value = request[header];
  return std::string_view(value.data(), value.size()).find(wanted) != std::string_view::npos;
}

bool AsksForPage(const HttpRequest& request) {
  const auto target = request.target();
  const auto fields = core::ParseForm(core::QueryOf({target.data(), target.size()}));
  return std::any_of(fields.begin(), fields.end(),
                     [](const auto& field) { return field.first == "limit"; });
}

std::optional<std::int64_t> ParsePosition(std::string_view text) {
  std::int64_t position = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), position);
  if (error != std::errc() || end != text.data() + text.size() || position < 0) {
    return std::nullopt;
  }
  return position;
}

bool IsEventName(std::string_view name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
  return !name.empty() && name.size() <= kMaxNameLength &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

// "a,b"; nothing when something else is in it.
std::optional<EventNames> ParseNames(std::string_view list) {
  EventNames names;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view name = list.substr(0, comma);
    if (!IsEventName(name) || names.size() == kMaxNames) {
      return std::nullopt;
    }
    names.emplace(name);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return names;
}

EventQuestionResult Wrong(std::string_view name, std::string_view value, std::string_view rule) {
  EventQuestionResult result;
  result.problem = std::string(name) + " " + std::string(rule) + ", not " +
                   core::JsonQuote(value.substr(0, kMaxNameLength));
  return result;
}

}  // namespace

bool WantsEventStream(const HttpRequest& request, std::string_view path) {
  if (path != kEventPath || request.method() != http::verb::get) {
    return false;
  }
  if (boost::beast::websocket::is_upgrade(request) ||
      IsIn(request, http::field::accept, "text/event-stream")) {
    return true;
  }
  return !IsIn(request, http::field::accept, "application/json") && !AsksForPage(request);
}

EventQuestionResult ParseEventQuestion(std::string_view last_event_id,
                                       const std::string& query_json) {
  EventQuestionResult result;
  const auto query = core::TryParseJson(query_json);
  std::string_view name = "Last-Event-ID";
  std::string_view position = last_event_id;
  for (const char* parameter : {"lastEventId", "after", "events"}) {
    const core::JsonValue* value = query ? core::Find(*query, parameter) : nullptr;
    if (value == nullptr) {
      continue;
    }
    if (!value->IsString()) {
      return Wrong(parameter, "several", "may be given once");
    }
    const std::string_view text = core::AsString(*value);
    if (parameter == std::string_view("events")) {
      auto names = ParseNames(text);
      if (!names) {
        return Wrong(parameter, text, "takes up to 32 names of events, joined by commas");
      }
      result.question.names = std::move(*names);
    } else if (position.empty()) {
      name = parameter;
      position = text;
    }
  }
  if (!position.empty()) {
    result.question.after = ParsePosition(position);
    if (!result.question.after) {
      return Wrong(name, position, "takes the id of an event, a whole number");
    }
  }
  return result;
}

}  // namespace switchboard::gateway
