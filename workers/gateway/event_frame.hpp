// Events as they go out, and who may see them. Pure: no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace switchboard::gateway {

// A row of the feed.
struct FeedRow {
  std::int64_t seq = 0;
  std::string_view event;
  std::string_view subject_id;  // empty: none
  std::string_view user_id;     // empty: it concerns everybody of the tenant
  std::string_view data;        // JSON
  std::string_view created_at;  // JSON: a string
};

// One event, made once and shared by all who are sent it: the text of server-sent events, which
// holds the JSON of WebSocket.
class EventFrame {
 public:
  explicit EventFrame(const FeedRow& row);

  // What has no row: "ready" at the start of a WebSocket, "reset" when events are missing.
  static EventFrame Notice(std::string_view event, std::int64_t seq, std::string_view data);

  std::int64_t seq() const { return seq_; }
  const std::string& event() const { return event_; }
  const std::string& user_id() const { return user_id_; }
  std::string_view sse() const { return sse_; }
  std::string_view json() const { return std::string_view(sse_).substr(json_at_, json_length_); }

 private:
  EventFrame(std::int64_t seq, std::string_view event, std::string_view json);

  std::int64_t seq_;
  std::string event_;
  std::string user_id_;
  std::string sse_;
  std::size_t json_at_ = 0;
  std::size_t json_length_ = 0;
};

using FramePointer = std::shared_ptr<const EventFrame>;

// Who listens.
struct Viewer {
  std::string tenant_id;
  std::string user_id;               // empty: nobody in particular
  bool supervisor = false;           // sees the whole tenant
  std::optional<double> expires_at;  // seconds since 1970; nothing: never
};

// The names of events that are asked for; none: all.
using EventNames = std::set<std::string, std::less<>>;

// Whether somebody of the event's tenant may see it: the rule of class "owned" in
// sql/code/90_row_security.sql.
bool MaySee(const Viewer& viewer, const EventFrame& frame);

bool IsAskedFor(const EventNames& names, const EventFrame& frame);

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
