// GET /api/events as a stream: finds out who asks, bounds how many listen, and looks after the
// feeds of their tenants.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>

#include "workers/gateway/event_client.hpp"
#include "workers/gateway/event_database.hpp"
#include "workers/gateway/event_hub.hpp"
#include "workers/gateway/stream_hook.hpp"

namespace switchboard::gateway {

struct StreamOptions {
  std::size_t max_streams = 1000;
  std::size_t max_per_tenant = 500;
  std::size_t max_per_user = 20;
  std::chrono::seconds recheck{60};   // credentials of a stream
  std::chrono::seconds patience{20};  // for a listener to take what was sent
};

class EventStreams final : public StreamHook {
 public:
  using Log = std::function<void(const std::string&)>;

  EventStreams(boost::asio::io_context& io, const std::string& dsn, StreamOptions options, Log log);
  ~EventStreams() override;
  EventStreams(const EventStreams&) = delete;
  EventStreams& operator=(const EventStreams&) = delete;

  bool Wants(const HttpRequest& request, std::string_view path) const override;
  void Take(StreamRequest request) override;
  void Stop() override;

 private:
  using SharedRequest = std::shared_ptr<StreamRequest>;

  void OnIdentity(const SharedRequest& request, EventQuestion question, IdentityAnswer answer);
  void Begin(const SharedRequest& request, EventQuestion question, Viewer viewer);
  bool HasRoomFor(const Viewer& viewer) const;
  void Count(const Viewer& viewer, int change);
  std::shared_ptr<EventHub> HubOf(const std::string& tenant);
  void LimitHubs();
  void Tick();
  void TickHubs(EventHub::Clock::time_point now);
  void TickClients(EventClient::Clock::time_point now);

  StreamOptions options_;
  boost::asio::steady_timer timer_;
  std::size_t asking_ = 0;  // requests whose sender is being looked up
  std::map<std::string, std::shared_ptr<EventHub>, std::less<>> hubs_;
  std::map<std::string, std::size_t> counts_;  // streams by tenant, and by tenant/user
  std::unordered_set<EventClient*> clients_;
  bool stopping_ = false;
  EventDatabase database_;  // last: its answers come to what stands above
};

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
