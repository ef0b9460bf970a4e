#include "test/doubles/carrier/carrier_agents.hpp"

#include "test/doubles/carrier/carrier_fault.hpp"

namespace switchboard::carrier {

void AgentPhones::Ring(const std::string& endpoint, double limit_s, OnResult on_result) {
  ++counts_.rung;
  if (engaged_.count(endpoint) > 0) {
    ++counts_.engaged;
    return on_result("busy");
  }
  const std::uint64_t ringing = ++ordinal_;
  engaged_[endpoint] = ringing;
  Draw draw(settings_.seed, "agent " + endpoint, ringing);
  std::string status = draw.Uniform() < settings_.agent_deaf ? "no-answer" : "answered";
  double ring_s = settings_.agent_ring_s;
  if (const auto rule = settings_.numbers.find(endpoint); rule != settings_.numbers.end()) {
    if (!rule->second.outcome.empty()) status = rule->second.outcome;
    ring_s = rule->second.ring_s.value_or(ring_s);
  }
  if (ring_s > limit_s) status = "no-answer";
  if (status == "no-answer") ring_s = limit_s;
  simulation_.AfterSimulated(ring_s, [this, endpoint, ringing, status, on_result] {
    const auto engaged = engaged_.find(endpoint);
    if (engaged == engaged_.end() || engaged->second != ringing) return;
    if (status == "answered") {
      ++counts_.answered;
    } else {
      engaged_.erase(engaged);
    }
    on_result(status);
  });
}

void AgentPhones::Reset() {
  engaged_.clear();
  counts_ = {};
}

}  // namespace switchboard::carrier
