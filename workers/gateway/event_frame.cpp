#include "workers/gateway/event_frame.hpp"

#include <algorithm>

#include "workers/core/json.hpp"

namespace switchboard::gateway {
namespace {

// A line of server-sent events ends at a line break, which the name of an event may hold.
std::string OneLine(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r' || c == '\0'; }, ' ');
  return line;
}

std::string RowJson(const FeedRow& row) {
  core::JsonWriter json;
  json.BeginObject().Key("seq").Int(row.seq).Key("event").String(row.event).Key("subjectId");
  if (row.subject_id.empty()) {
    json.Null();
  } else {
    json.String(row.subject_id);
  }
  json.Key("data").Raw(row.data).Key("createdAt").Raw(row.created_at).EndObject();
  return json.Take();
}

}  // namespace

EventFrame::EventFrame(const FeedRow& row) : EventFrame(row.seq, row.event, RowJson(row)) {
  user_id_ = row.user_id;
}

// `json` is one line, as the database and JsonWriter print it.
EventFrame::EventFrame(std::int64_t seq, std::string_view event, std::string_view json)
    : seq_(seq), event_(event), json_length_(json.size()) {
  sse_ = "id: " + std::to_string(seq) + "\nevent: " + OneLine(event) + "\ndata: ";
  json_at_ = sse_.size();
  sse_.append(json).append("\n\n");
}

EventFrame EventFrame::Notice(std::string_view event, std::int64_t seq, std::string_view data) {
  core::JsonWriter json;
  json.BeginObject().Key("seq").Int(seq).Key("event").String(event);
  json.Key("subjectId").Null().Key("data").Raw(data).Key("createdAt").Null().EndObject();
  return {seq, event, json.Take()};
}

bool MaySee(const Viewer& viewer, const EventFrame& frame) {
  return frame.user_id().empty() || viewer.supervisor || frame.user_id() == viewer.user_id;
}

bool IsAskedFor(const EventNames& names, const EventFrame& frame) {
  return names.empty() || names.contains(frame.event());
}

}  // namespace switchboard::gateway
