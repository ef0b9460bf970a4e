#include "workers/gateway/gateway_options.hpp"

#include <getopt.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string_view>
#include <utility>
#include <vector>

namespace switchboard::gateway {
namespace {

constexpr char kUsage[] =
    "usage: switchboard-gateway --dsn CONNINFO [options]\n"
    "  --dsn CONNINFO         database; its role must be a member of switchboard_gateway\n"
    "                         (default: the PG* environment variables)\n"
    "  --connections N        database connections (8)\n"
    "  --address ADDRESS      where to listen (127.0.0.1)\n"
    "  --port PORT            where to listen (8080; 0 picks a free one)\n"
    "  --trusted-proxy RANGE  address or CIDR of a proxy whose X-Forwarded-For, -Proto and -Host\n"
    "                         count; may be repeated (none)\n"
    "  --access-log FILE      one JSON line per request; - is the standard output (-)\n"
    "  --no-access-log        none\n"
    "  --max-connections N    client connections at once (1024)\n"
    "  --max-per-address N    of them from one IPv4 address or IPv6 /64, 0 for no bound (64);\n"
    "                         this machine and trusted proxies are exempt, and for a proxy's\n"
    "                         clients it bounds the requests under way\n"
    "  --max-requests N       requests of one connection (10000)\n"
    "  --max-header BYTES     largest request header (16384)\n"
    "  --max-body BYTES       largest request body (1048576)\n"
    "  --max-memory BYTES     bodies in memory at once (268435456)\n"
    "  --header-timeout S     first to last byte of a header, and grace for a body (10)\n"
    "  --idle-timeout S       between requests of a connection (60)\n"
    "  --min-rate BYTES       a second that slow bodies and slow readers must make (1000)\n"
    "  --max-streams N        streams of events at once (1000)\n"
    "  --max-tenant-streams N of them for one tenant (500)\n"
    "  --max-user-streams N   of them for one user (20)\n"
    "  --stream-recheck S     between checks of a stream's credentials (60)\n"
    "  --stream-patience S    for a listener to take what was sent (20)\n"
    "  --version              print the version and exit\n";

[[noreturn]] void Fail(const std::string& message) {
  std::cerr << "switchboard-gateway: " << message << "\n";
  std::exit(2);
}

struct Option {
  const char* name;
  bool has_value;
  std::function<void(const char*)> take;
};

// A whole number within bounds.
template <class T>
Option Number(const char* name, unsigned long least, unsigned long most, T* target) {
  return {name, true, [=](const char* text) {
            char* end = nullptr;
            const unsigned long value = std::strtoul(text, &end, 10);
            if (*text < '0' || *text > '9' || *end != '\0' || value < least || value > most) {
              Fail("--" + std::string(name) + " takes a number from " + std::to_string(least) +
                   " to " + std::to_string(most) + ", not \"" + text + "\"");
            }
            *target = T(value);
          }};
}

Option Text(const char* name, std::string* target) {
  return {name, true, [=](const char* text) { *target = text; }};
}

Option ListenAddress(const char* name, std::string* target) {
  return {name, true, [=](const char* text) {
            boost::system::error_code error;
            boost::asio::ip::make_address(text, error);
            if (error) {
              Fail("--" + std::string(name) + " takes an IP address such as 127.0.0.1 or ::, not \"" +
                   std::string(text) + "\"");
            }
            *target = text;
          }};
}

void AddTrustedProxy(GatewayOptions* options, const char* text) {
  const auto range = ParseAddressRange(text);
  if (!range) {
    Fail("--trusted-proxy takes an address or a range such as 10.0.0.0/8, not \"" +
         std::string(text) + "\"");
  }
  options->server.trusted_proxies.push_back(*range);
}

std::vector<Option> OptionTable(GatewayOptions* options) {
  ServerOptions& server = options->server;
  constexpr unsigned long kGigabyte = 1UL << 30;
  return {Text("dsn", &options->pool.dsn),
          Number("connections", 1, 256, &options->pool.connections),
          ListenAddress("address", &server.address),
          Number("port", 0, 65535, &server.port),
          {"trusted-proxy", true, [=](const char* text) { AddTrustedProxy(options, text); }},
          Text("access-log", &options->access_log),
          {"no-access-log", false, [=](const char*) { options->access_log.clear(); }},
          Number("max-connections", 1, 65536, &server.max_connections),
          Number("max-per-address", 0, 65536, &server.max_per_address),
          Number("max-requests", 1, 1'000'000'000, &server.max_requests),
          Number("max-header", 256, 1024 * 1024, &server.header_bytes),
          Number("max-body", 1, kGigabyte, &server.body_bytes),
          Number("max-memory", 1, 64 * kGigabyte, &server.max_body_memory),
          Number("header-timeout", 1, 3600, &server.header_timeout),
          Number("idle-timeout", 1, 86400, &server.idle_timeout),
          Number("min-rate", 1, kGigabyte, &server.min_rate),
          Number("max-streams", 0, 65536, &options->streams.max_streams),
          Number("max-tenant-streams", 1, 65536, &options->streams.max_per_tenant),
          Number("max-user-streams", 1, 65536, &options->streams.max_per_user),
          Number("stream-recheck", 1, 3600, &options->streams.recheck),
          Number("stream-patience", 1, 3600, &options->streams.patience),
          {"version", false,
           [](const char*) {
             std::cout << "switchboard-gateway " << SB_VERSION << "\n";
             std::exit(0);
           }},
          {"help", false, [](const char*) {
             std::cout << kUsage;
             std::exit(0);
           }}};
}

}  // namespace

GatewayOptions ParseGatewayOptions(int argc, char** argv) {
  GatewayOptions options;
  const std::vector<Option> table = OptionTable(&options);
  std::vector<option> names;
  for (const Option& entry : table) {
    names.push_back({entry.name, entry.has_value ? required_argument : no_argument, nullptr, 0});
  }
  names.push_back({nullptr, 0, nullptr, 0});
  int index = 0;
  for (int c; (c = getopt_long(argc, argv, "", names.data(), &index)) != -1;) {
    if (c != 0) {
      std::cerr << kUsage;
      std::exit(2);
    }
    table[static_cast<std::size_t>(index)].take(optarg);
  }
  if (optind != argc) {
    std::cerr << "switchboard-gateway: unexpected argument \"" << argv[optind] << "\"\n" << kUsage;
    std::exit(2);
  }
  return options;
}

}  // namespace switchboard::gateway
