// The phones of agents, which answered calls are connected with.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "test/doubles/carrier/carrier_settings.hpp"
#include "test/doubles/carrier/carrier_simulation.hpp"

namespace switchboard::carrier {

struct AgentCounts {
  std::size_t rung = 0;
  std::size_t answered = 0;
  std::size_t engaged = 0;  // rung while on another call
};

class AgentPhones {
 public:
  // "answered", "no-answer" or "busy".
  using OnResult = std::function<void(const std::string& status)>;

  AgentPhones(Simulation& simulation, const Settings& settings)
      : simulation_(simulation), settings_(settings) {}

  // Rings an endpoint for up to `limit_s` simulated seconds. Who is engaged already is busy, at
  // once; else a rule for the endpoint in `numbers` says what happens, else `agent_deaf` is the
  // probability that nobody picks up. One that answers is engaged until it is freed.
  void Ring(const std::string& endpoint, double limit_s, OnResult on_result);

  // Ends the ringing, without a word, or the talk.
  void Free(const std::string& endpoint) { engaged_.erase(endpoint); }

  void Reset();
  const AgentCounts& counts() const { return counts_; }

 private:
  Simulation& simulation_;
  const Settings& settings_;
  std::map<std::string, std::uint64_t> engaged_;  // with which ringing
  std::uint64_t ordinal_ = 0;
  AgentCounts counts_;
};

}  // namespace switchboard::carrier
