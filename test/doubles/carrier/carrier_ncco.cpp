#include "test/doubles/carrier/carrier_ncco.hpp"

#include <map>

#include "workers/core/json.hpp"

namespace switchboard::carrier {
namespace {

// Which actions there are, and their timeout where none is given.
const std::map<std::string_view, double>& KnownActions() {
  static const std::map<std::string_view, double> known{
      {"talk", 0},  {"stream", 0}, {"record", 0}, {"connect", 60},
      {"wait", 10}, {"notify", 0}, {"input", 3},  {"conversation", 0}};
  return known;
}

const core::JsonValue* First(const core::JsonValue& object, std::string_view key) {
  const core::JsonValue* list = core::Find(object, key);
  return list != nullptr && list->IsArray() && !list->Empty() ? &(*list)[0] : nullptr;
}

std::string FirstText(const core::JsonValue& object, std::string_view key) {
  const core::JsonValue* first = First(object, key);
  return first == nullptr ? "" : std::string(core::AsString(*first));
}

std::string Address(const core::JsonValue& action) {
  const core::JsonValue* endpoint = First(action, "endpoint");
  if (endpoint == nullptr) return "";
  for (const char* key : {"number", "uri", "user", "extension"}) {
    if (auto value = core::FindText(*endpoint, key)) return *value;
  }
  return "";
}

// Those of an input are per kind of input; a record's has another spelling.
double Timeout(const core::JsonValue& action, double otherwise) {
  const core::JsonValue* dtmf = core::Find(action, "dtmf");
  if (dtmf != nullptr) return core::FindNumber(*dtmf, "timeOut").value_or(otherwise);
  if (const auto recorded = core::FindNumber(action, "timeOut")) return *recorded;
  const auto text = core::FindText(action, "timeout");
  return text ? std::strtod(text->c_str(), nullptr) : otherwise;
}

}  // namespace

std::optional<NccoScript> ParseNcco(std::string_view json) {
  const std::optional<core::Json> list = core::TryParseJson(json);
  if (!list || !list->IsArray() || list->Empty()) return std::nullopt;
  NccoScript script;
  for (const core::JsonValue& entry : list->GetArray()) {
    NccoAction action;
    action.action = core::FindString(entry, "action").value_or("");
    const auto known = KnownActions().find(action.action);
    if (known == KnownActions().end()) return std::nullopt;
    action.text = action.action == "stream" ? FirstText(entry, "streamUrl")
                                            : core::FindText(entry, "text").value_or("");
    action.address = Address(entry);
    action.event_url = FirstText(entry, "eventUrl");
    action.timeout_s = Timeout(entry, known->second);
    action.synchronous = core::FindString(entry, "eventType") == "synchronous";
    if (const core::JsonValue* payload = core::Find(entry, "payload")) {
      action.payload = core::ToJson(*payload);
    }
    script.push_back(std::move(action));
  }
  return script;
}

}  // namespace switchboard::carrier
