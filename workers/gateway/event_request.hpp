// What a request for a stream of events asks for. Pure: no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "workers/gateway/event_frame.hpp"
#include "workers/gateway/request_mapping.hpp"

namespace switchboard::gateway {

constexpr std::string_view kEventPath = "/api/events";

// GET /api/events as a WebSocket or as server-sent events. Who asks for JSON, or for a page by
// `limit`, is answered by handle_http().
bool WantsEventStream(const HttpRequest& request, std::string_view path);

struct EventQuestion {
  std::optional<std::int64_t> after;  // the last event that is known; nothing: from now on
  EventNames names;
};

// From the header Last-Event-ID, else the parameters lastEventId or after; and events=a,b. An
// EventSource that connects again sends the parameters of old and the header, which therefore
// counts. Or what is wrong with them, for the client.
struct EventQuestionResult {
  EventQuestion question;
  std::string problem;  // empty: none
};
EventQuestionResult ParseEventQuestion(std::string_view last_event_id,
                                       const std::string& query_json);

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
