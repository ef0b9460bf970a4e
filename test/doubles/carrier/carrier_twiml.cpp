#include "test/doubles/carrier/carrier_twiml.hpp"

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <sstream>

namespace switchboard::carrier {
namespace {

using boost::property_tree::ptree;
using Verb = TwimlStep::Verb;

constexpr double kDialSeconds = 30;  // Twilio's own

TwimlStep Dial(const ptree& content) {
  TwimlStep step{Verb::kDial, content.data(), content.get("<xmlattr>.timeout", kDialSeconds),
                 content.get("<xmlattr>.action", "")};
  for (const auto& [noun, address] : content) {
    if (noun != "<xmlattr>") step.text = address.data();
  }
  return step;
}

// False when the script is over with it.
bool Add(const std::string& verb, const ptree& content, TwimlScript* script) {
  if (verb == "Say" || verb == "Play") {
    script->push_back({Verb::kSay, content.data(), 0, ""});
  } else if (verb == "Gather") {
    for (const auto& [nested, inner] : content) Add(nested, inner, script);
  } else if (verb == "Pause") {
    script->push_back({Verb::kPause, "", content.get("<xmlattr>.length", 1.0), ""});
  } else if (verb == "Dial") {
    script->push_back(Dial(content));
  } else if (verb == "Redirect") {
    script->push_back({Verb::kRedirect, content.data(), 0, ""});
    return false;
  } else if (verb == "Hangup" || verb == "Reject") {
    script->push_back({Verb::kHangUp, "", 0, ""});
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
