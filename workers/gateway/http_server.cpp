#include "workers/gateway/http_server.hpp"

#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/socket_base.hpp>
#include <ctime>
#include <utility>

#include "workers/gateway/http_session.hpp"

namespace switchboard::gateway {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds kTick{250};
constexpr std::chrono::milliseconds kAcceptPause{100};

std::string HttpDate(std::chrono::system_clock::time_point now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text;
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text.data();
}

}  // namespace

HttpServer::HttpServer(boost::asio::io_context& io, ServerOptions options, DatabasePool& database,
                       AccessLog& access_log, StreamHook* streams, Log log)
    : io_(io),
      state_(std::make_shared<ServerState>()),
      acceptor_(io, {boost::asio::ip::make_address(options.address), options.port}),
      tick_timer_(io),
      accept_timer_(io) {
  state_->database = &database;
  state_->access_log = &access_log;
  state_->streams = streams;
  state_->log = std::move(log);
  state_->limits = std::make_shared<ConnectionLimits>(
      options.max_connections, options.max_per_address, options.max_body_memory);
  state_->limits->WhenEmpty([this] { StopWhenEmpty(); });
  state_->options = std::move(options);
  acceptor_.listen(boost::asio::socket_base::max_listen_connections);
  Accept();
  Tick();
}

HttpServer::~HttpServer() { state_->limits->WhenEmpty(nullptr); }

std::uint16_t HttpServer::port() const { return acceptor_.local_endpoint().port(); }

void HttpServer::Accept() {
  acceptor_.async_accept([this](error_code error, tcp::socket socket) {
    if (state_->stopping) {
      return;
    }
    if (error) {
      return AcceptLater();
    }
    Begin(std::move(socket));
    Accept();
  });
}

// Out of descriptors or memory: trying again at once would only turn in circles.
void HttpServer::AcceptLater() {
  CloseLongestWaiting();
  accept_timer_.expires_after(kAcceptPause);
  accept_timer_.async_wait([this](error_code error) {
    if (!error && !state_->stopping) {
      Accept();
    }
  });
}

// When there are as many connections as may be, the one whose client has been silent the longest
// makes room: whoever only holds connections open keeps nobody out.
void HttpServer::Begin(tcp::socket socket) {
  if (state_->limits->full()) {
    CloseLongestWaiting();
  }
  auto slot = state_->limits->Connect();
  error_code failed;
  const auto peer = socket.remote_endpoint(failed).address();
  if (!slot || failed) {
    ++refused_;
    return;
  }
  const Client client = FindClient(peer, state_->options.trusted_proxies, {});
  if (!client.proxied && !slot->CountFor(client.address)) {
    ++refused_;
    return;
  }
  socket.set_option(tcp::no_delay(true), failed);
  std::make_shared<HttpSession>(state_, std::move(socket), std::move(*slot), client.address)
      ->AwaitRequest();
}

void HttpServer::CloseLongestWaiting() {
  if (!state_->waiting.empty()) {
    state_->waiting.front()->Close();
  }
}

// Looks after all time-outs, a few times a second.
void HttpServer::Tick() {
  const auto now = std::chrono::steady_clock::now();
  state_->date = HttpDate(std::chrono::system_clock::now());
  // A session that is closed ends, and leaves the set, only when its handlers have run.
  for (HttpSession* session : state_->sessions) {
    session->CloseWhenLate(now);
  }
  if (refused_ > 0) {
    state_->log("refused " + std::to_string(std::exchange(refused_, 0)) +
                " connections: too many at once, in all or from one address");
  }
  if (now >= stop_by_) {
    io_.stop();
  }
  tick_timer_.expires_after(kTick);
  tick_timer_.async_wait([this](error_code error) {
    if (!error) {
      Tick();
    }
  });
}

void HttpServer::StopWhenEmpty() {
  if (state_->stopping && state_->limits->connections() == 0) {
    io_.stop();
  }
}

void HttpServer::Stop() {
  if (state_->stopping) {
    return;
  }
  state_->stopping = true;
  acceptor_.close();
  stop_by_ = std::chrono::steady_clock::now() + state_->options.stop_timeout;
  if (state_->streams != nullptr) {
    state_->streams->Stop();
  }
  for (HttpSession* session : state_->sessions) {
    session->CloseWhenIdle();
  }
  StopWhenEmpty();
}

}  // namespace switchboard::gateway
