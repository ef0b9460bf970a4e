// VoIPstudio's REST interface and call events. A call has two legs: the agent's phone rings first,
// then the number is dialed; the simulated life is that of the second leg.
#pragma once

#include "test/doubles/carrier/carrier_world.hpp"

namespace switchboard::carrier {

class VoipStudioFront {
 public:
  explicit VoipStudioFront(World& world) : world_(world) {}

  // Paths below /v1.1/voipstudio/ or /v1.2/voipstudio/; `resource` is what follows.
  Answer Handle(const Request& request, std::string_view resource);

 private:
  Answer CreateCall(const Request& request);
  Answer HangUp(const std::string& id);
  Answer ListLive();
  Answer ListRecords(const Request& request);
  void OnStep(Call& call);
  bool OverMinuteRate();

  World& world_;
  std::uint64_t next_id_ = 4278000000;
  std::int64_t rate_minute_ = 0;
  int rate_count_ = 0;
};

}  // namespace switchboard::carrier
