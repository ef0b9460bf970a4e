#include "workers/providers/twilio/twiml.hpp"

namespace switchboard::providers::twilio {
namespace {

std::string XmlEscape(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else if (c == '"') {
      escaped += "&quot;";
    } else if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') {
      escaped += ' ';  // XML 1.0 has no way to write the other control characters
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

std::string SayTwiml(std::string_view text, std::string_view language) {
  std::string twiml = "<Response><Say";
  if (!language.empty()) twiml += " language=\"" + XmlEscape(language) + "\"";
  return twiml + ">" + XmlEscape(text) + "</Say></Response>";
}

std::string PlayTwiml(std::string_view audio_url) {
  return "<Response><Play>" + XmlEscape(audio_url) + "</Play></Response>";
}

}  // namespace switchboard::providers::twilio
