#include "test/doubles/carrier/carrier_simulation.hpp"

#include <algorithm>
#include <cmath>

#include "test/doubles/carrier/carrier_fault.hpp"

namespace switchboard::carrier {
namespace {

constexpr double kQueueSeconds = 0.2;
constexpr double kSetupSeconds = 0.8;
constexpr double kBusySeconds = 1;  // how fast the network reports an engaged line
constexpr double kMaxTalkSeconds = 3600;

// A live machine says its greeting; what detection makes of it depends on the mode.
std::string AnsweredBy(const Call& call) {
  if (call.machine_detection.empty()) return "";
  if (call.plan.outcome != "machine") return "human";
  return call.machine_detection == "DetectMessageEnd" ? "machine_end_beep" : "machine_start";
}

}  // namespace

Simulation::Simulation(Scheduler& scheduler, const Settings& settings, Ledger& ledger)
    : scheduler_(scheduler), settings_(settings), ledger_(ledger) {}

CallPlan Simulation::Plan(const std::string& to, std::size_t times_dialed) const {
  Draw draw(settings_.seed, "plan " + to, times_dialed);
  CallPlan plan;
  plan.outcome = draw.Pick(settings_.outcomes);
  plan.ring_s =
      settings_.ring_min_s + draw.Uniform() * (settings_.ring_max_s - settings_.ring_min_s);
  plan.talk_s =
      std::clamp(-std::log(1 - draw.Uniform()) * settings_.talk_mean_s, 1.0, kMaxTalkSeconds);
  if (const auto rule = settings_.numbers.find(to); rule != settings_.numbers.end()) {
    if (!rule->second.outcome.empty()) plan.outcome = rule->second.outcome;
    plan.ring_s = rule->second.ring_s.value_or(plan.ring_s);
    plan.talk_s = rule->second.talk_s.value_or(plan.talk_s);
  }
  return plan;
}

void Simulation::AfterSimulated(double seconds, std::function<void()> run) {
  const double wall_us = seconds / settings_.speed * 1e6;
  scheduler_.After(std::chrono::microseconds(static_cast<std::int64_t>(wall_us)), std::move(run));
}

void Simulation::Start(Call& call, OnStep on_step) {
  ledger_.CallStarted();
  AfterSimulated(kQueueSeconds, [this, &call, on_step = std::move(on_step)] {
    if (call.state != CallState::kQueued) return;
    call.state = CallState::kInitiated;
    call.status = "initiated";
    on_step(call);
    AfterSimulated(kSetupSeconds, [this, &call, on_step] { Ring(call, on_step); });
  });
}

void Simulation::Ring(Call& call, const OnStep& on_step) {
  if (call.state != CallState::kInitiated) return;
  if (call.plan.outcome == "failed") {
    End(call, "failed", on_step);
    return;
  }
  call.state = CallState::kRinging;
  call.status = "ringing";
  on_step(call);
  const bool unanswered = call.plan.outcome == "no-answer" || call.plan.ring_s > call.ring_limit_s;
  const double seconds = unanswered                    ? call.ring_limit_s
                         : call.plan.outcome == "busy" ? kBusySeconds
                                                       : call.plan.ring_s;
  AfterSimulated(seconds, [this, &call, on_step, unanswered] {
    if (call.state != CallState::kRinging) return;
    if (unanswered) {
      End(call, "no-answer", on_step);
    } else {
      Decide(call, on_step);
    }
  });
}

void Simulation::Decide(Call& call, const OnStep& on_step) {
  if (call.plan.outcome == "busy") {
    End(call, "busy", on_step);
  } else {
    Answer(call, on_step);
  }
}

void Simulation::Answer(Call& call, const OnStep& on_step) {
  call.state = CallState::kAnswered;
  call.status = "in-progress";
  call.answered = scheduler_.Now();
  call.answered_by = AnsweredBy(call);
  on_step(call);
  AfterSimulated(call.plan.talk_s, [this, &call, on_step] {
    if (call.extensions > 0) return;
    call.duration_s = static_cast<int>(std::ceil(call.plan.talk_s));
    End(call, "completed", on_step);
  });
}

void Simulation::Arrive(Call& call, double patience_s, const OnStep& on_step) {
  ledger_.CallStarted();
  call.state = CallState::kAnswered;
  call.status = "in-progress";
  call.answered = scheduler_.Now();
  on_step(call);
  AfterSimulated(patience_s, [this, &call, on_step] {
    if (!call.served) End(call, "completed", on_step);
  });
}

void Simulation::TalkOn(Call& call, double seconds, const OnStep& on_step) {
  const int extension = ++call.extensions;
  AfterSimulated(seconds, [this, &call, extension, on_step] {
    if (call.extensions == extension) End(call, "completed", on_step);
  });
}

bool Simulation::End(Call& call, const std::string& status, const OnStep& on_step) {
  if (call.state == CallState::kEnded) return false;
  call.ended = scheduler_.Now();
  if (call.answered && call.duration_s == 0) {
    const double talked_s =
        std::chrono::duration<double>(*call.ended - *call.answered).count() * settings_.speed;
    call.duration_s = std::max(1, static_cast<int>(std::ceil(talked_s)));
  }
  call.state = CallState::kEnded;
  call.status = status;
  ledger_.CallEnded();
  on_step(call);
  return true;
}

}  // namespace switchboard::carrier
