// switchboard-worker: does the jobs of a database, as the child of a background worker or on its
// own.

#include <sys/resource.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "workers/core/errors.hpp"
#include "workers/daemon/worker_app.hpp"
#include "workers/daemon/worker_options.hpp"

namespace {

// Every request in flight and every kept connection needs a descriptor; the usual soft limit of
// 1024 is there for programs that use select(), which neither libcurl's multi interface nor we do.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

}  // namespace

int main(int argc, char** argv) {
  using switchboard::daemon::WorkerApp;
  using switchboard::daemon::WorkerOptions;
  WorkerOptions options;
  try {
    options =
        switchboard::daemon::ParseWorkerOptions(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const switchboard::core::Error& error) {
    std::fprintf(stderr, "switchboard-worker: %s\n%s", error.what(),
                 switchboard::daemon::kWorkerUsage);
    return 2;
  }
  if (options.show_version) {
    std::printf("switchboard-worker %s\n", SB_VERSION);
    return 0;
  }
  if (options.show_help) {
    std::printf("%s", switchboard::daemon::kWorkerUsage);
    return 0;
  }
  RaiseDescriptorLimit();
  try {
    return WorkerApp(options).Run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "switchboard-worker: %s\n", error.what());
    return 1;
  }
}
