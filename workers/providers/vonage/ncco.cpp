#include "workers/providers/vonage/ncco.hpp"

#include "workers/core/json.hpp"
#include "workers/core/utf8.hpp"

namespace switchboard::providers::vonage {
namespace {

constexpr std::size_t kMaxTalkCharacters = 1500;

// The beginning of `text` that one talk action holds, up to a space where there is one.
std::string_view FirstPart(std::string_view text) {
  std::size_t end = 0;
  std::size_t last_space = 0;
  for (std::size_t n = 0; n < kMaxTalkCharacters && end < text.size(); ++n) {
    if (text[end] == ' ') last_space = end + 1;
    end += core::DecodeUtf8(text.substr(end)).length;
  }
  return text.substr(0, end < text.size() && last_space > 0 ? last_space : end);
}

}  // namespace

std::string SayNcco(std::string_view text, std::string_view language,
                    std::string_view recording_url) {
  core::JsonWriter ncco;
  ncco.BeginArray();
  if (!recording_url.empty()) {
    ncco.BeginObject().Key("action").String("record").Key("eventUrl").BeginArray();
    ncco.String(recording_url).EndArray().EndObject();
  }
  while (!text.empty()) {
    const std::string_view part = FirstPart(text);
    text.remove_prefix(part.size());
    ncco.BeginObject().Key("action").String("talk").Key("text").String(part);
    if (!language.empty()) ncco.Key("language").String(language);
    ncco.EndObject();
  }
  return ncco.EndArray().Take();
}

std::string PlayNcco(std::string_view audio_url) {
  core::JsonWriter ncco;
  ncco.BeginArray().BeginObject().Key("action").String("stream");
  ncco.Key("streamUrl").BeginArray().String(audio_url).EndArray();
  return ncco.EndObject().EndArray().Take();
}

}  // namespace switchboard::providers::vonage
