// switchboard-gateway: a thin HTTP front. Each request goes to switchboard.handle_http() with its
// raw bytes; what that function answers goes back. All behaviour of routes lives in the database.
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/system/system_error.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

#include <getopt.h>

#include "workers/gateway/database_pool.hpp"
#include "workers/gateway/http_server.hpp"

namespace {

using switchboard::gateway::DatabasePool;
using switchboard::gateway::HttpServer;
using switchboard::gateway::PoolOptions;
using switchboard::gateway::ServerOptions;

constexpr char kUsage[] =
    "usage: switchboard-gateway --dsn CONNINFO [options]\n"
    "  --dsn CONNINFO         database; its role must be a member of switchboard_gateway\n"
    "                         (default: the PG* environment variables)\n"
    "  --address ADDRESS      where to listen (127.0.0.1)\n"
    "  --port PORT            where to listen (8080; 0 picks a free one)\n"
    "  --connections N        database connections (8)\n"
    "  --max-connections N    client connections at once (1024)\n"
    "  --max-body BYTES       largest request body (1048576)\n"
    "  --version              print the version and exit\n";

struct Options {
  PoolOptions pool;
  ServerOptions server;
};

// A whole number within bounds, or the program ends with a message that names the value.
unsigned long Number(const char* name, const char* text, unsigned long least, unsigned long most) {
  char* end = nullptr;
  const unsigned long value = std::strtoul(text, &end, 10);
  if (end == text || *end != '\0' || value < least || value > most) {
    std::cerr << "switchboard-gateway: --" << name << " takes a number from " << least << " to "
              << most << ", not \"" << text << "\"\n";
    std::exit(2);
  }
  return value;
}

Options ParseOptions(int argc, char** argv) {
  static const option kOptions[] = {{"dsn", required_argument, nullptr, 'd'},
                                    {"address", required_argument, nullptr, 'a'},
                                    {"port", required_argument, nullptr, 'p'},
                                    {"connections", required_argument, nullptr, 'c'},
                                    {"max-connections", required_argument, nullptr, 'm'},
                                    {"max-body", required_argument, nullptr, 'b'},
                                    {"version", no_argument, nullptr, 'v'},
                                    {"help", no_argument, nullptr, 'h'},
                                    {nullptr, 0, nullptr, 0}};
  Options options;
  for (int c; (c = getopt_long(argc, argv, "", kOptions, nullptr)) != -1;) {
    switch (c) {
      case 'd':
        options.pool.dsn = optarg;
        break;
      case 'a':
        options.server.address = optarg;
        break;
      case 'p':
        options.server.port = static_cast<std::uint16_t>(Number("port", optarg, 0, 65535));
        break;
      case 'c':
        options.pool.connections = Number("connections", optarg, 1, 256);
        break;
      case 'm':
        options.server.max_connections = Number("max-connections", optarg, 1, 65536);
        break;
      case 'b':
        options.server.body_bytes = Number("max-body", optarg, 1, 1UL << 30);
        break;
      case 'v':
        std::cout << "switchboard-gateway " << SB_VERSION << "\n";
        std::exit(0);
      case 'h':
        std::cout << kUsage;
        std::exit(0);
      default:
        std::cerr << kUsage;
        std::exit(2);
    }
  }
  if (optind != argc) {
    std::cerr << "switchboard-gateway: unexpected argument \"" << argv[optind] << "\"\n" << kUsage;
    std::exit(2);
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = ParseOptions(argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  const auto log = [](const std::string& line) {
    std::cerr << "switchboard-gateway: " << line << std::endl;
  };
  try {
    boost::asio::io_context io(1);
    DatabasePool database(io, options.pool, log);
    HttpServer server(io, options.server, database, log);
    boost::asio::signal_set signals(io, SIGTERM, SIGINT);
    signals.async_wait([&](boost::system::error_code error, int) {
      if (!error) {
        server.Stop();
      }
    });
    std::cout << "listening on http://" << options.server.address << ":" << server.port()
              << std::endl;
    io.run();
  } catch (const std::exception& error) {
    log(error.what());
    return 1;
  }
  return 0;
}
