// OmniDimension's REST interface and the webhook after a call. Calls are logged when they are over,
// without our ids, in a time zone that is not told.
#pragma once

#include "test/doubles/carrier/carrier_world.hpp"

namespace switchboard::carrier {

class OmniDimensionFront {
 public:
  explicit OmniDimensionFront(World& world) : world_(world) {}

  // Paths below /api/v1/; `resource` is what follows.
  Answer Handle(const Request& request, std::string_view resource);

 private:
  Answer Dispatch(const Request& request);
  Answer ListLogs(const Request& request);
  Answer OneLog(const std::string& id);
  void OnStep(Call& call);

  World& world_;
  std::uint64_t next_id_ = 3166940;
};

}  // namespace switchboard::carrier
