#include "workers/providers/twilio/twilio_status.hpp"

#include <string>
#include <utility>

#include "workers/providers/fields.hpp"
#include "workers/providers/outcome.hpp"

namespace switchboard::providers::twilio {
namespace {

std::string OurStatus(const std::string& status) {
  if (status == "queued") return "initiated";
  if (status == "in-progress") return "answered";
  for (const char* same :
       {"initiated", "ringing", "completed", "busy", "failed", "no-answer", "canceled"}) {
    if (status == same) return status;
  }
  return "";
}

// machine_start, machine_end_beep, … are all machines.
std::string AnsweredBy(const std::string& answered_by) {
  return answered_by.starts_with("machine") ? "machine" : answered_by;
}

}  // namespace

Result Reported(const core::Json& body, Result unread) {
  const std::string status = OurStatus(Text(body, "status"));
  if (status.empty()) return unread;
  core::JsonWriter response;
  response.BeginObject().Key("status").String(status);
  if (const std::string who = AnsweredBy(Text(body, "answered_by")); !who.empty()) {
    response.Key("answered_by").String(who);
  }
  for (const auto& [theirs, ours] :
       {std::pair{"duration", "duration"}, {"end_time", "ended_at"}, {"price", "price"}}) {
    if (const std::string value = Text(body, theirs); !value.empty()) {
      response.Key(ours).String(value);
    }
  }
  if (!Text(body, "price").empty()) {
    response.Key("price_unit").String(Text(body, "price_unit"));
  }
  return Taken("", response.EndObject().Take());
}

}  // namespace switchboard::providers::twilio
