#include "test/doubles/carrier/carrier_twiml.hpp"

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <sstream>

namespace switchboard::carrier {
namespace {

using boost::property_tree::ptree;

void Perform(const ptree& verbs, TwimlScript* script) {
  for (const auto& [verb, content] : verbs) {
    if (verb == "Say" || verb == "Play") {
      script->said.push_back(content.data());
    } else if (verb == "Gather") {
      Perform(content, script);
    } else if (verb == "Dial") {
      if (!content.data().empty()) script->dialed.push_back(content.data());
      for (const auto& [noun, address] : content) {
        if (noun != "<xmlattr>") script->dialed.push_back(address.data());
      }
    } else if (verb == "Redirect") {
      script->redirect = content.data();
      return;
    } else if (verb == "Hangup" || verb == "Reject") {
      script->hangs_up = true;
      return;
    }
  }
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
  Perform(*response, &script);
  if (script.said.empty() && script.dialed.empty() && script.redirect.empty()) {
    script.hangs_up = true;
  }
  return script;
}

}  // namespace switchboard::carrier
