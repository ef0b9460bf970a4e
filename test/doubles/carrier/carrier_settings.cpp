#include "test/doubles/carrier/carrier_settings.hpp"

#include <functional>
#include <set>

#include "test/doubles/carrier/carrier_fault.hpp"
#include "workers/core/errors.hpp"

namespace switchboard::carrier {
namespace {

using core::JsonValue;
using Setter = std::function<void(Settings&, const JsonValue&)>;

[[noreturn]] void Refuse(const std::string& what) {
  throw core::BadArgument("carrier setting: " + what);
}

double AsNumber(const JsonValue& value) {
  if (!value.IsNumber()) Refuse("not a number: " + core::ToJson(value));
  return value.GetDouble();
}

std::string AsText(const JsonValue& value) {
  if (!value.IsString()) Refuse("not a text: " + core::ToJson(value));
  return std::string(core::AsString(value));
}

const JsonValue& AsObject(const JsonValue& value) {
  if (!value.IsObject()) Refuse("not an object: " + core::ToJson(value));
  return value;
}

void CheckFault(const std::string& fault) {
  if (!ParseFault(fault)) Refuse("unknown fault " + core::Quoted(fault));
}

void CheckOutcome(const std::string& outcome) {
  static const std::set<std::string> known{"answered", "busy", "no-answer", "machine", "failed"};
  if (known.count(outcome) == 0) Refuse("unknown outcome " + core::Quoted(outcome));
}

std::map<std::string, double> Weights(const JsonValue& value) {
  std::map<std::string, double> weights;
  for (const auto& member : AsObject(value).GetObject()) {
    const double weight = AsNumber(member.value);
    if (weight < 0) Refuse("negative weight");
    weights[std::string(core::AsString(member.name))] = weight;
  }
  return weights;
}

std::map<std::string, NumberRule> Numbers(const JsonValue& value) {
  std::map<std::string, NumberRule> numbers;
  for (const auto& member : AsObject(value).GetObject()) {
    NumberRule rule;
    const JsonValue& given = AsObject(member.value);
    rule.outcome = core::FindString(given, "outcome").value_or("");
    rule.fault = core::FindString(given, "fault").value_or("");
    rule.ring_s = core::FindNumber(given, "ring_s");
    rule.talk_s = core::FindNumber(given, "talk_s");
    if (!rule.outcome.empty()) CheckOutcome(rule.outcome);
    if (!rule.fault.empty()) CheckFault(rule.fault);
    numbers[std::string(core::AsString(member.name))] = std::move(rule);
  }
  return numbers;
}

std::deque<NextFault> NextFaults(const JsonValue& value) {
  if (!value.IsArray()) Refuse("next_faults is no array");
  std::deque<NextFault> faults;
  for (const JsonValue& entry : value.GetArray()) {
    NextFault next;
    next.on = core::FindString(entry, "on").value_or("any");
    next.fault = core::FindString(entry, "fault").value_or("");
    next.count = static_cast<int>(core::FindInt(entry, "count").value_or(1));
    CheckFault(next.fault);
    faults.push_back(std::move(next));
  }
  return faults;
}

template <typename T>
Setter Number(T Settings::*member) {
  return [member](Settings& s, const JsonValue& v) { s.*member = static_cast<T>(AsNumber(v)); };
}

Setter Flag(bool Settings::*member) {
  return [member](Settings& s, const JsonValue& v) {
    if (!v.IsBool()) Refuse("not true or false: " + core::ToJson(v));
    s.*member = v.GetBool();
  };
}

Setter String(std::string Settings::*member) {
  return [member](Settings& s, const JsonValue& v) { s.*member = AsText(v); };
}

void SetOutcomes(Settings& settings, const JsonValue& value) {
  settings.outcomes = Weights(value);
  for (const auto& [outcome, weight] : settings.outcomes) CheckOutcome(outcome);
}

void SetFaults(Settings& settings, const JsonValue& value) {
  settings.faults = Weights(value);
  for (const auto& [fault, probability] : settings.faults) CheckFault(fault);
}

void SetAccounts(Settings& settings, const JsonValue& value) {
  settings.accounts.clear();
  for (const auto& member : AsObject(value).GetObject()) {
    settings.accounts[std::string(core::AsString(member.name))] = AsText(member.value);
  }
}

void SetOfflineAgents(Settings& settings, const JsonValue& value) {
  if (!value.IsArray()) Refuse("offline_agents is no array");
  settings.offline_agents.clear();
  for (const JsonValue& agent : value.GetArray()) settings.offline_agents.push_back(AsText(agent));
}

void SetSpeed(Settings& settings, const JsonValue& value) {
  settings.speed = AsNumber(value);
  if (settings.speed <= 0) Refuse("speed must be positive");
}

const std::map<std::string, Setter>& Setters() {
  static const std::map<std::string, Setter> setters{
      {"seed", Number(&Settings::seed)},
      {"speed", SetSpeed},
      {"outcomes", SetOutcomes},
      {"message_outcomes",
       [](Settings& s, const JsonValue& v) { s.message_outcomes = Weights(v); }},
      {"numbers", [](Settings& s, const JsonValue& v) { s.numbers = Numbers(v); }},
      {"ring_min_s", Number(&Settings::ring_min_s)},
      {"ring_max_s", Number(&Settings::ring_max_s)},
      {"talk_mean_s", Number(&Settings::talk_mean_s)},
      {"agent_ring_s", Number(&Settings::agent_ring_s)},
      {"agent_deaf", Number(&Settings::agent_deaf)},
      {"faults", SetFaults},
      {"next_faults", [](Settings& s, const JsonValue& v) { s.next_faults = NextFaults(v); }},
      {"slow_ms", Number(&Settings::slow_ms)},
      {"retry_after_s", Number(&Settings::retry_after_s)},
      {"huge_bytes", Number(&Settings::huge_bytes)},
      {"answer_ms", Number(&Settings::answer_ms)},
      {"sink_ms", Number(&Settings::sink_ms)},
      {"rate_limit", Number(&Settings::rate_limit)},
      {"voipstudio_per_minute", Number(&Settings::voipstudio_per_minute)},
      {"repeat", Number(&Settings::repeat)},
      {"shuffle", Flag(&Settings::shuffle)},
      {"late_ms", Number(&Settings::late_ms)},
      {"accounts", SetAccounts},
      {"voipstudio_token", String(&Settings::voipstudio_token)},
      {"voipstudio_events", String(&Settings::voipstudio_events)},
      {"offline_agents", SetOfflineAgents},
      {"vonage_application", String(&Settings::vonage_application)},
      {"vonage_public_key", String(&Settings::vonage_public_key)},
      {"vonage_signature_secret", String(&Settings::vonage_signature_secret)},
      {"omnidimension_key", String(&Settings::omnidimension_key)},
      {"omnidimension_webhook", String(&Settings::omnidimension_webhook)},
      {"omnidimension_zone_minutes", Number(&Settings::omnidimension_zone_minutes)},
      {"packages_status", Number(&Settings::packages_status)},
      {"packages_report", String(&Settings::packages_report)},
      {"hook_secret", String(&Settings::hook_secret)},
      {"hook_status", Number(&Settings::hook_status)},
      {"inbox_answer", String(&Settings::inbox_answer)},
  };
  return setters;
}

}  // namespace

void Settings::Apply(const JsonValue& changes) {
  Settings changed = *this;
  for (const auto& member : AsObject(changes).GetObject()) {
    const std::string name(core::AsString(member.name));
    const auto setter = Setters().find(name);
    if (setter == Setters().end()) Refuse("there is none called " + core::Quoted(name));
    setter->second(changed, member.value);
  }
  *this = std::move(changed);
}

}  // namespace switchboard::carrier
