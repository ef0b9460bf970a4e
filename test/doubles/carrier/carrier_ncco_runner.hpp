// Follows the NCCO of answered calls: says, rings, waits, asks again.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "test/doubles/carrier/carrier_ncco.hpp"
#include "test/doubles/carrier/carrier_world.hpp"

namespace switchboard::carrier {

class NccoRunner {
 public:
  // `hang_up` ends a call whose list is done.
  NccoRunner(World& world, std::function<void(Call&)> hang_up)
      : world_(world), hang_up_(std::move(hang_up)) {}

  // Begins that list, in place of the one the call is at.
  void Run(Call& call, const std::string& ncco);
  // Asks `url` what to do with the call and does it. The call is over when there is no answer.
  void Ask(Call& call, const std::string& url, const std::string& method);
  // The call has ended: so has its other leg, and the recording.
  void Ended(const Call& call);

 private:
  struct Leg {
    std::string uuid;
    std::string address;
    std::string event_url;
    std::optional<WallTime> answered;
  };
  struct State {
    int run = 0;  // what a list still waits for finds this changed once there is another
    NccoScript script;
    std::size_t next = 0;
    bool heard = false;  // something was said or somebody is there: the drawn talk time goes on
    std::optional<Leg> leg;
    std::string recording_url;  // where the recording is announced; empty: none is made
  };

  void Step(Call& call);
  bool Begin(Call& call, const NccoAction& action);
  void Connect(Call& call, const NccoAction& action);
  // The caller leaves a message.
  void RecordMessage(Call& call, const NccoAction& action);
  void TellRecording(const Call& call, const std::string& url, WallTime start, int seconds);
  void PickUp(Call& call, const std::string& status, bool synchronous);
  void TellLeg(const Call& call, const std::string& status);
  void EndLeg(const Call& call);
  // Goes on with the list in the answer, else with the next action.
  void AskNext(Call& call, const std::string& url, std::string json);
  void Later(Call& call, double seconds, std::function<void()> run);
  void HangUpSoon(Call& call);
  // Whether the call is still at the list it is at now.
  std::function<bool()> WhileCurrent(const Call& call);

  World& world_;
  std::function<void(Call&)> hang_up_;
  std::map<const Call*, State> states_;
};

}  // namespace switchboard::carrier
