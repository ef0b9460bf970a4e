#pragma once
// The command line of switchboard-gateway.

#include <string>

#include "workers/gateway/database_pool.hpp"
#include "workers/gateway/event_streams.hpp"
#include "workers/gateway/http_server.hpp"

namespace switchboard::gateway {

struct GatewayOptions {
  PoolOptions pool;
  ServerOptions server;
  StreamOptions streams;
  std::string access_log = "-";  // a file, "-" for the standard output, empty for none
};

// Ends the program with status 2 and a message that names the value when an option is wrong, and
// with status 0 after --help and --version.
GatewayOptions ParseGatewayOptions(int argc, char** argv);

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
