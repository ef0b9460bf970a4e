#pragma once
// The command line of switchboard-worker.

#include <string>
#include <vector>

#include "workers/core/secret_box.hpp"
#include "workers/engine/log_sink.hpp"

namespace switchboard::daemon {

struct WorkerOptions {
  std::string socket_path;  // --store unix:PATH, the child of a server
  std::string dsn;          // --dsn, a worker of its own
  std::string worker_key;
  core::SecretSources secrets;
  std::vector<std::string> egress_allow;  // beside what the database's setting allows
  bool allow_http = false;
  engine::LogLevel log_level = engine::LogLevel::kInfo;
  bool show_version = false;
  bool show_help = false;

  bool is_child() const { return !socket_path.empty(); }
};

extern const char kWorkerUsage[];

// Throws core::Error (22023) for what cannot be understood. Takes the arguments without the
// program's name.
WorkerOptions ParseWorkerOptions(const std::vector<std::string>& arguments);

}  // namespace switchboard::daemon

#include "workers/core/no_server_header.hpp"
