// switchboard-gateway: a thin HTTP front. Each request goes to switchboard.handle_http() with its
// raw bytes; what that function answers goes back. All behaviour of routes lives in the database.
#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/system/system_error.hpp>
#include <csignal>
#include <functional>
#include <iostream>
#include <string>

#include "workers/gateway/access_log.hpp"
#include "workers/gateway/database_pool.hpp"
#include "workers/gateway/event_streams.hpp"
#include "workers/gateway/gateway_options.hpp"
#include "workers/gateway/http_server.hpp"

namespace switchboard::gateway {
namespace {

// Every connection is a descriptor; the usual soft limit of 1024 would be the bound that counts.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

void Log(const std::string& line) { std::cerr << "switchboard-gateway: " << line << std::endl; }

void ReopenOnHangUp(boost::asio::signal_set& signals, AccessLog& access_log) {
  signals.async_wait([&](boost::system::error_code error, int) {
    if (error) {
      return;
    }
    try {
      access_log.Open();
    } catch (const std::exception& failure) {
      Log(failure.what());
    }
    ReopenOnHangUp(signals, access_log);
  });
}

void Serve(const GatewayOptions& options) {
  boost::asio::io_context io(1);
  DatabasePool database(io, options.pool, Log);
  AccessLog access_log(io, options.access_log);
  EventStreams streams(io, options.pool.dsn, options.streams, Log);
  HttpServer server(io, options.server, database, access_log, &streams, Log);
  boost::asio::signal_set stop(io, SIGTERM, SIGINT);
  stop.async_wait([&](boost::system::error_code error, int) {
    if (!error) {
      server.Stop();
    }
  });
  boost::asio::signal_set hang_up(io, SIGHUP);
  ReopenOnHangUp(hang_up, access_log);
  const bool wide = options.server.address.find(':') != std::string::npos;
  std::cout << "listening on http://" << (wide ? "[" : "") << options.server.address
            << (wide ? "]:" : ":") << server.port() << std::endl;
  io.run();
}

}  // namespace
}  // namespace switchboard::gateway

int main(int argc, char** argv) {
  namespace gateway = switchboard::gateway;
  const auto options = gateway::ParseGatewayOptions(argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  gateway::RaiseDescriptorLimit();
  try {
    gateway::Serve(options);
  } catch (const std::exception& error) {
    gateway::Log(error.what());
    return 1;
  }
  return 0;
}
