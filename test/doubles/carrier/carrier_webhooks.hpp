// Webhooks on their way out: repeated, late and out of order as the settings ask for.
#pragma once

#include <map>
#include <string>

#include "test/doubles/carrier/carrier_client.hpp"
#include "test/doubles/carrier/carrier_scheduler.hpp"
#include "test/doubles/carrier/carrier_settings.hpp"

namespace switchboard::carrier {

struct WebhookCounts {
  std::size_t posted = 0;  // repeats included
  std::size_t repeated = 0;
  std::size_t failed = 0;                  // no answer at all
  std::map<int, std::size_t> by_status{};  // answers
};

class WebhookPoster {
 public:
  WebhookPoster(HttpClient& client, Scheduler& scheduler, const Settings& settings);
  void Post(Outgoing webhook);
  // A request whose answer matters (TwiML); neither repeated nor delayed.
  void Fetch(Outgoing request, OnReply on_reply);

  const WebhookCounts& counts() const { return counts_; }
  void ResetCounts() { counts_ = {}; }

 private:
  void Send(Outgoing webhook);

  HttpClient& client_;
  Scheduler& scheduler_;
  const Settings& settings_;
  WebhookCounts counts_;
  std::uint64_t ordinal_ = 0;
};

}  // namespace switchboard::carrier
