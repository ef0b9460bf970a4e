#pragma once
// Transport over libcurl. Connections are kept and used again; what may go wrong at the other end
// is bounded: time to connect and in all, bytes of headers and body, no redirects, no proxy, only
// http(s), only addresses the egress guard allows.

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "workers/engine/clock.hpp"
#include "workers/engine/log_sink.hpp"
#include "workers/engine/reactor.hpp"
#include "workers/engine/transport.hpp"
#include "workers/http/curl_multi.hpp"
#include "workers/http/egress_guard.hpp"

namespace switchboard::http {

struct Transfer;

class CurlTransport final : public engine::Transport {
 public:
  static constexpr std::size_t kMostHeaderBytes = 64 * 1024;
  static constexpr std::chrono::milliseconds kConnectTimeout{10000};
  // A transfer that libcurl has not ended so long after its own time limit is ended by us.
  static constexpr std::chrono::seconds kStalledAfter{3};

  CurlTransport(engine::Reactor& reactor, const engine::Clock& clock, engine::LogSink& log);
  ~CurlTransport() override;

  // From now on. Connections made under other rules are not used again.
  void Configure(EgressGuard guard, bool allow_http);

  void SetListener(Listener* listener) override { listener_ = listener; }
  void Send(TransferId id, providers::HttpRequest request) override;
  bool Cancel(TransferId id) override;

  // Starts what was sent, does what is due by time. Delivers nothing.
  void Work();
  // Delivers the responses that have come.
  void Deliver();
  std::optional<engine::TimePoint> NextDeadline() const;

 private:
  std::unique_ptr<Transfer> TakeTransfer();
  void PutTransfer(std::unique_ptr<Transfer> transfer);
  void CollectDone(CurlMulti& multi);
  void WatchForStall();
  void Retire();

  engine::Reactor& reactor_;
  const engine::Clock& clock_;
  engine::LogSink& log_;
  Listener* listener_ = nullptr;

  EgressGuard guard_;
  bool allow_http_ = false;
  // Transfers start in the last one; older ones are retired and finish what they have.
  std::vector<std::unique_ptr<CurlMulti>> multis_;

  std::unordered_map<TransferId, std::unique_ptr<Transfer>> active_;
  std::vector<std::unique_ptr<Transfer>> idle_;
  std::vector<std::pair<TransferId, providers::HttpResponse>> done_;
  engine::TimePoint next_watch_{};
};

}  // namespace switchboard::http

#include "workers/core/no_server_header.hpp"
