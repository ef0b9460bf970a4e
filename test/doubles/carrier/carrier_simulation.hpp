// The life of a call, the same for every provider:
//
//   queued -> initiated -> ringing -> answered -> ended (completed)
//                |            |-> ended (busy, no-answer, canceled)
//                |-> ended (failed)
//
// A call that comes in begins as answered (arrives, and the provider asks what to do with it).
// Each step is told to the provider's front, which posts its webhooks.
#pragma once

#include <functional>

#include "test/doubles/carrier/carrier_call.hpp"
#include "test/doubles/carrier/carrier_settings.hpp"

namespace switchboard::carrier {

class Simulation {
 public:
  using OnStep = std::function<void(Call&)>;

  Simulation(Scheduler& scheduler, const Settings& settings, Ledger& ledger);

  // Drawn from the seed, the number and how often it was dialed before; a rule for the number wins.
  CallPlan Plan(const std::string& to, std::size_t times_dialed) const;

  // Lets the call live; `on_step` hears of every state from kInitiated on.
  void Start(Call& call, OnStep on_step);

  // A call that comes in, connected at once: its caller hangs up after `patience_s` unless served.
  void Arrive(Call& call, double patience_s, const OnStep& on_step);

  // Ends a call that has not ended, as `status`. False when there is nothing to end.
  bool End(Call& call, const std::string& status, const OnStep& on_step);

  // The called party hangs up that much later instead of when it was going to.
  void TalkOn(Call& call, double seconds, const OnStep& on_step);

  void AfterSimulated(double seconds, std::function<void()> run);

 private:
  void Ring(Call& call, const OnStep& on_step);
  void Decide(Call& call, const OnStep& on_step);
  void Answer(Call& call, const OnStep& on_step);

  Scheduler& scheduler_;
  const Settings& settings_;
  Ledger& ledger_;
};

}  // namespace switchboard::carrier
