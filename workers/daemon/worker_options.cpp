#include "workers/daemon/worker_options.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "workers/core/errors.hpp"

namespace switchboard::daemon {
namespace {

engine::LogLevel ParseLevel(const std::string& text) {
  for (const engine::LogLevel level : {engine::LogLevel::kDebug, engine::LogLevel::kInfo,
                                       engine::LogLevel::kWarning, engine::LogLevel::kError}) {
    if (engine::LogLevelName(level) == text) return level;
  }
  throw core::BadArgument("bad log level: " + core::Quoted(text),
                          "One of debug, info, warning, error.");
}

std::string ParseStore(const std::string& text) {
  constexpr std::string_view kPrefix = "unix:";
  if (!text.starts_with(kPrefix) || text.size() == kPrefix.size()) {
    throw core::BadArgument("bad store: " + core::Quoted(text), "Write it like unix:PATH.");
  }
  return text.substr(kPrefix.size());
}

void AddNetworks(const std::string& list, std::vector<std::string>& networks) {
  std::size_t begin = 0;
  while (begin < list.size()) {
    const std::size_t comma = std::min(list.find(',', begin), list.size());
    if (comma > begin) networks.push_back(list.substr(begin, comma - begin));
    begin = comma + 1;
  }
}

// Whether the option stands alone; anything else takes a value.
bool ParseFlag(const std::string& name, WorkerOptions& options) {
  if (name == "--allow-http") {
    options.allow_http = true;
  } else if (name == "--version") {
    options.show_version = true;
  } else if (name == "--help") {
    options.show_help = true;
  } else {
    return false;
  }
  return true;
}

void ParseValue(const std::string& name, const std::string& value, WorkerOptions& options) {
  if (name == "--store") {
    options.socket_path = ParseStore(value);
  } else if (name == "--dsn") {
    options.dsn = value;
  } else if (name == "--worker") {
    options.worker_key = value;
  } else if (name == "--secrets-dir") {
    options.secrets.secrets_dir = value;
  } else if (name == "--key-file") {
    options.secrets.key_file = value;
  } else if (name == "--egress-allow") {
    AddNetworks(value, options.egress_allow);
  } else if (name == "--log") {
    options.log_level = ParseLevel(value);
  } else {
    throw core::BadArgument("unknown option: " + core::Quoted(name));
  }
}

}  // namespace

const char kWorkerUsage[] =
    "usage: switchboard-worker --dsn CONNINFO | --store unix:PATH [option...]\n"
    "  --dsn CONNINFO         work for this database (libpq connection string)\n"
    "  --store unix:PATH      work for the background worker that listens there\n"
    "  --worker KEY           name of this worker, unique in the database\n"
    "  --secrets-dir DIR      where secrets written as file:NAME lie\n"
    "  --key-file FILE        key of encrypted secrets\n"
    "  --egress-allow CIDR,…  addresses that may be connected to though they are not public\n"
    "  --allow-http           allow http besides https\n"
    "  --log LEVEL            debug, info (default), warning or error\n"
    "  --version, --help\n";

WorkerOptions ParseWorkerOptions(const std::vector<std::string>& arguments) {
  WorkerOptions options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string name = arguments[i];
    if (ParseFlag(name, options)) continue;
    std::string value;
    if (const std::size_t equals = name.find('='); equals != name.npos) {
      value = name.substr(equals + 1);
      name.resize(equals);
    } else if (++i < arguments.size()) {
      value = arguments[i];
    } else {
      throw core::BadArgument("option without a value: " + core::Quoted(name));
    }
    ParseValue(name, value, options);
  }
  if (options.show_version || options.show_help) return options;
  if (options.socket_path.empty() == options.dsn.empty()) {
    throw core::BadArgument("one of --dsn and --store is needed");
  }
  if (options.is_child() && options.worker_key.empty()) {
    throw core::BadArgument("--store needs --worker");
  }
  return options;
}

}  // namespace switchboard::daemon
