// What the fronts of the carrier share.
#pragma once

#include <map>
#include <string>
#include <unordered_map>

#include "test/doubles/carrier/carrier_agents.hpp"
#include "test/doubles/carrier/carrier_call.hpp"
#include "test/doubles/carrier/carrier_http.hpp"
#include "test/doubles/carrier/carrier_settings.hpp"
#include "test/doubles/carrier/carrier_simulation.hpp"
#include "test/doubles/carrier/carrier_webhooks.hpp"

namespace switchboard::carrier {

struct World {
  World(Scheduler& scheduler, HttpClient& client, Settings initial)
      : scheduler(scheduler),
        settings(std::move(initial)),
        simulation(scheduler, settings, ledger),
        agents(simulation, settings),
        webhooks(client, scheduler, settings) {}

  Scheduler& scheduler;
  Settings settings;
  Ledger ledger;
  Simulation simulation;
  AgentPhones agents;
  WebhookPoster webhooks;
  std::map<std::string, std::size_t> faults_done;

  // The fault for this request to `number` (empty: not about a number), counted.
  Fault NextFaultFor(std::string_view on, const std::string& number);
  // True when one more call or message would exceed rate_limit in this second.
  bool OverRate();
  void Reset();

 private:
  std::unordered_map<std::string, std::uint64_t> requests_to_;
  std::int64_t rate_second_ = 0;
  int rate_count_ = 0;
};

// The answer as the fault lets it out: some faults replace it by `refusal_body`.
Answer Spoil(Answer good, Fault fault, const Settings& settings, const std::string& refusal_body);

// The value of the first of `names` in the URL's query; empty when there is none.
std::string QueryValue(std::string_view url, std::initializer_list<std::string_view> names);

// The value of a form field, empty when absent.
std::string Field(const std::vector<std::pair<std::string, std::string>>& form,
                  std::string_view name);

// Whether it is an international number in digits: 5 to 15 of them, no zero first.
bool IsNumber(std::string_view digits);

// A fresh id of 32 hexadecimal digits.
std::string FreshId();

}  // namespace switchboard::carrier
