#include "test/doubles/carrier/carrier_fault.hpp"

#include <utility>

#include "test/doubles/carrier/carrier_settings.hpp"

namespace switchboard::carrier {
namespace {

constexpr std::pair<std::string_view, Fault> kNames[] = {
    {"none", Fault::kNone},
    {"slow", Fault::kSlow},
    {"reset_before", Fault::kResetBefore},
    {"reset_after", Fault::kResetAfter},
    {"429", Fault::kTooMany},
    {"503", Fault::kUnavailable},
    {"500_after", Fault::kErrorAfter},
    {"half_body", Fault::kHalfBody},
    {"huge_body", Fault::kHugeBody},
    {"hang", Fault::kHang},
    {"hang_before", Fault::kHangBefore},
};

std::uint64_t HashText(std::string_view text) {  // FNV-1a
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

}  // namespace

std::optional<Fault> ParseFault(std::string_view name) {
  for (const auto& [known, fault] : kNames) {
    if (known == name) return fault;
  }
  return std::nullopt;
}

std::string_view FaultName(Fault fault) {
  for (const auto& [name, known] : kNames) {
    if (known == fault) return name;
  }
  return "none";
}

bool Acts(Fault fault) {
  return fault != Fault::kResetBefore && fault != Fault::kTooMany && fault != Fault::kUnavailable &&
         fault != Fault::kHangBefore;
}

Draw::Draw(std::uint64_t seed, std::string_view subject, std::uint64_t ordinal)
    : state_(seed * 0x9e3779b97f4a7c15u ^ HashText(subject) ^ ordinal * 0xd1b54a32d192ed03u) {}

Draw::result_type Draw::operator()() {  // splitmix64
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

double Draw::Uniform() { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }

std::string Draw::Pick(const std::map<std::string, double>& weights) {
  if (weights.empty()) return "";
  double total = 0;
  for (const auto& [key, weight] : weights) total += weight;
  double at = Uniform() * total;
  for (const auto& [key, weight] : weights) {
    if (at < weight) return key;
    at -= weight;
  }
  return weights.begin()->first;
}

Fault ChooseFault(Settings* settings, std::string_view on, std::string_view number, Draw* draw) {
  auto& next = settings->next_faults;
  for (auto entry = next.begin(); entry != next.end(); ++entry) {
    if (entry->on != "any" && entry->on != on) continue;
    const Fault fault = *ParseFault(entry->fault);
    if (--entry->count <= 0) next.erase(entry);
    return fault;
  }
  if (const auto rule = settings->numbers.find(std::string(number));
      rule != settings->numbers.end() && !rule->second.fault.empty()) {
    return *ParseFault(rule->second.fault);
  }
  // Look-ups are how doubts are settled; they fail only when that is ordered.
  if (on == "list" || settings->faults.empty()) return Fault::kNone;
  double at = draw->Uniform();
  for (const auto& [name, probability] : settings->faults) {
    if (at < probability) return *ParseFault(name);
    at -= probability;
  }
  return Fault::kNone;
}

}  // namespace switchboard::carrier
