#pragma once
// Puts the parts of the worker together and runs its event loop.

#include <memory>
#include <optional>

#include "workers/core/random.hpp"
#include "workers/daemon/cached_secrets.hpp"
#include "workers/daemon/feed_bell.hpp"
#include "workers/daemon/worker_log.hpp"
#include "workers/daemon/worker_options.hpp"
#include "workers/engine/clock.hpp"
#include "workers/engine/engine.hpp"
#include "workers/http/curl_transport.hpp"
#include "workers/http/epoll_reactor.hpp"
#include "workers/store/json_queue_store.hpp"

namespace switchboard::daemon {

class WorkerApp final : private engine::Reactor::Handler {
 public:
  // Blocks SIGTERM and SIGINT in this thread and its children, to take them in the loop.
  explicit WorkerApp(const WorkerOptions& options);
  ~WorkerApp() override;

  // Until the end of the work; the exit code of the program.
  int Run();

 private:
  std::unique_ptr<store::StoreChannel> MakeChannel();
  void Configure(const engine::WorkerSettings& settings);
  void StartBell();
  std::optional<std::chrono::microseconds> TimeToWait() const;
  void OnReady(int fd, bool readable, bool writable) override;

  WorkerOptions options_;
  engine::SystemClock clock_;
  core::SystemRandom random_;
  WorkerLog log_;
  http::EpollReactor reactor_;
  CachedSecrets secrets_;
  store::JsonQueueStore store_;
  http::CurlTransport transport_;
  engine::Engine engine_;
  // Of a stand-alone worker, once the queue has answered.
  std::unique_ptr<store::StoreChannel> feed_channel_;
  std::optional<FeedBell> feed_bell_;
  int signals_;
  std::optional<std::vector<std::string>> egress_;  // in force
  bool allow_http_ = false;
};

}  // namespace switchboard::daemon

#include "workers/core/no_server_header.hpp"
