#include "workers/core/try_counts.hpp"

#include <algorithm>

#include "workers/core/json.hpp"

namespace switchboard::core {

namespace {

constexpr int kMostTries = 1'000'000;  // sums of counts stay far from overflow

}  // namespace

TryCounts TryCounts::Parse(std::string_view text) {
  TryCounts result;
  if (text == "{}") return result;
  const auto json = TryParseJson(text);
  if (!json || !json->IsObject()) return result;
  for (const auto& member : json->GetObject()) {
    if (!member.value.IsInt() || member.value.GetInt() <= 0) continue;
    result.counts_.emplace(AsString(member.name), std::min(member.value.GetInt(), kMostTries));
  }
  return result;
}

void TryCounts::Add(std::string_view outcome) {
  const auto found = counts_.find(outcome);
  if (found == counts_.end()) {
    counts_.emplace(outcome, 1);
  } else {
    found->second = std::min(found->second + 1, kMostTries);
  }
}

void TryCounts::Remove(std::string_view outcome) {
  const auto found = counts_.find(outcome);
  if (found != counts_.end() && --found->second == 0) counts_.erase(found);
}

int TryCounts::WithOtherOutcomes(std::string_view outcome) const {
  int others = 0;
  for (const auto& [name, count] : counts_) {
    if (name != outcome) others = std::min(others + count, kMostTries);
  }
  return others;
}

std::string TryCounts::ToJson() const {
  JsonWriter json;
  json.BeginObject();
  for (const auto& [name, count] : counts_) json.Key(name).Int(count);
  return json.EndObject().Take();
}

}  // namespace switchboard::core
