// The control API and the routing of all other paths.
//
//   POST /control/config    change settings (JSON, see carrier_settings.hpp)
//   GET  /control/calls     every call really dialed; filters to, from, reference, offset, limit
//   GET  /control/messages  every message really sent; same filters
//   GET  /control/stats     counts
//   GET  /control/hooks     deliveries to /hooks by webhook-id
//   GET  /control/inbox     requests kept by /inbox
//   POST /control/inbound   let somebody call (JSON, see carrier_inbound.hpp)
//   POST /control/reset     forget calls, messages, hooks and counts; settings stay
#pragma once

#include "test/doubles/carrier/carrier_omnidimension.hpp"
#include "test/doubles/carrier/carrier_packages.hpp"
#include "test/doubles/carrier/carrier_receivers.hpp"
#include "test/doubles/carrier/carrier_twilio.hpp"
#include "test/doubles/carrier/carrier_voipstudio.hpp"
#include "test/doubles/carrier/carrier_vonage.hpp"
#include "test/doubles/carrier/carrier_world.hpp"

namespace switchboard::carrier {

class Router {
 public:
  explicit Router(World& world)
      : world_(world),
        twilio_(world),
        voipstudio_(world),
        vonage_(world),
        omnidimension_(world),
        packages_(world),
        receivers_(world) {}

  Answer Handle(const Request& request);

 private:
  Answer Control(const Request& request);
  Answer Config(const Request& request);
  Answer Inbound(const Request& request);
  std::string StatsJson() const;

  World& world_;
  TwilioFront twilio_;
  VoipStudioFront voipstudio_;
  VonageFront vonage_;
  OmniDimensionFront omnidimension_;
  PackagesFront packages_;
  Receivers receivers_;
  std::size_t requests_ = 0;
};

}  // namespace switchboard::carrier
