#include "test/doubles/carrier/carrier_twiml.hpp"

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <sstream>

namespace switchboard::carrier {
namespace {

using boost::property_tree::ptree;
using Verb = TwimlStep::Verb;

constexpr double kDialSeconds = 30;  // Twilio's own
constexpr double kRecordSeconds = 3600;

TwimlStep Dial(const ptree& content) {
  TwimlStep step{Verb::kDial, content.data(), content.get("<xmlattr>.timeout", kDialSeconds),
                 content.get("<xmlattr>.action", ""), ""};
  for (const auto& [noun, address] : content) {
    if (noun == "<xmlattr>") continue;
    step.text = address.data();
    step.url = address.get("<xmlattr>.statusCallback", "");
  }
  return step;
}

// What a verb needs besides itself: {verb, text, seconds, action, url}.
TwimlStep Enqueue(const ptree& content) {
  return {Verb::kEnqueue, content.data(), 0, content.get("<xmlattr>.action", ""),
          content.get("<xmlattr>.waitUrl", "")};
}

TwimlStep Record(const ptree& content) {
  return {Verb::kRecord, "", content.get("<xmlattr>.maxLength", kRecordSeconds),
          content.get("<xmlattr>.action", ""),
          content.get("<xmlattr>.recordingStatusCallback", "")};
}

// False when the script is over with it.
bool Add(const std::string& verb, const ptree& content, TwimlScript* script) {
  if (verb == "Say" || verb == "Play") {
    script->push_back({Verb::kSay, content.data()});
  } else if (verb == "Gather") {
    for (const auto& [nested, inner] : content) Add(nested, inner, script);
    script->push_back({Verb::kKey, "", 0, content.get("<xmlattr>.action", "")});
  } else if (verb == "Pause") {
    script->push_back({Verb::kPause, "", content.get("<xmlattr>.length", 1.0)});
  } else if (verb == "Dial") {
    script->push_back(Dial(content));
  } else if (verb == "Record") {
    script->push_back(Record(content));
  } else if (verb == "Enqueue") {
    script->push_back(Enqueue(content));
  } else if (verb == "Leave") {
    script->push_back({Verb::kLeave});
    return false;
  } else if (verb == "Redirect") {
    script->push_back({Verb::kRedirect, content.data()});
    return false;
  } else if (verb == "Hangup" || verb == "Reject") {
    script->push_back({Verb::kHangUp});
    return false;
  }
  return true;
}

}  // namespace

std::optional<TwimlScript> ParseTwiml(const std::string& xml) {
  std::istringstream in(xml);
  ptree document;
  try {
    read_xml(in, document, boost::property_tree::xml_parser::trim_whitespace);
  } catch (const boost::property_tree::xml_parser_error&) {
    return std::nullopt;
  }
  const auto response = document.get_child_optional("Response");
  if (!response) return std::nullopt;
  TwimlScript script;
  for (const auto& [verb, content] : *response) {
    if (!Add(verb, content, &script)) break;
  }
  return script;
}

}  // namespace switchboard::carrier
