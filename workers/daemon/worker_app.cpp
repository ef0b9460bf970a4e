#include "workers/daemon/worker_app.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string>
#include <utility>

#include "workers/core/errors.hpp"
#include "workers/store/libpq_channel.hpp"
#include "workers/store/socket_channel.hpp"

namespace switchboard::daemon {
namespace {

using engine::Engine;
using engine::TimePoint;

constexpr int kExitStopped = 0;
constexpr int kExitGone = 3;
constexpr int kExitUnfit = 4;

int TakeSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  const int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) throw core::Error(core::sqlstate::kInternal, "cannot take signals");
  return fd;
}

std::string HostName() {
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  return name.data();
}

store::WorkerIdentity MakeIdentity(const WorkerOptions& options, core::Random& random) {
  store::WorkerIdentity identity;
  identity.kind = options.is_child() ? "child" : "standalone";
  identity.pid = getpid();
  identity.host = HostName();
  identity.version = SB_VERSION;
  identity.key = options.worker_key;
  if (identity.key.empty()) {
    // Two workers of one key would take each other's claims: never made of host and pid alone,
    // which containers share.
    identity.key =
        identity.host + "-" + std::to_string(identity.pid) + "-" + std::to_string(random.Next());
  }
  return identity;
}

}  // namespace

WorkerApp::WorkerApp(const WorkerOptions& options)
    : options_(options),
      log_(options.log_level),
      secrets_(options.secrets, clock_),
      store_(MakeChannel(), MakeIdentity(options, random_), clock_, log_),
      transport_(reactor_, clock_, log_),
      engine_({store_, transport_, clock_, random_, secrets_, log_, providers::FindProvider,
               [this](const engine::WorkerSettings& settings) { Configure(settings); }}),
      signals_(TakeSignals()) {
  reactor_.Watch(signals_, true, false, this);
}

WorkerApp::~WorkerApp() {
  log_.SetChannel(nullptr);
  reactor_.Forget(signals_);
  close(signals_);
}

std::unique_ptr<store::StoreChannel> WorkerApp::MakeChannel() {
  if (!options_.is_child()) {
    return std::make_unique<store::LibpqChannel>(options_.dsn, reactor_, clock_, random_, log_);
  }
  auto channel = std::make_unique<store::SocketChannel>(options_.socket_path, reactor_, clock_);
  log_.SetChannel(channel.get());
  return channel;
}

void WorkerApp::StartBell() {
  if (options_.is_child() || feed_bell_) return;
  feed_channel_ =
      std::make_unique<store::LibpqChannel>(options_.dsn, reactor_, clock_, random_, log_);
  feed_bell_.emplace(*feed_channel_, clock_, log_);
}

void WorkerApp::Configure(const engine::WorkerSettings& settings) {
  StartBell();
  std::vector<std::string> egress = settings.egress_allow;
  egress.insert(egress.end(), options_.egress_allow.begin(), options_.egress_allow.end());
  const bool allow_http = settings.allow_http || options_.allow_http;
  if (egress_ == egress && allow_http_ == allow_http) return;
  try {
    transport_.Configure(http::EgressGuard(egress), allow_http);
  } catch (const core::Error& error) {
    log_.Log(engine::LogLevel::kError,
             std::string("switchboard.egress_allow is left as it was: ") + error.what());
    return;
  }
  egress_ = std::move(egress);
  allow_http_ = allow_http;
}

std::optional<std::chrono::microseconds> WorkerApp::TimeToWait() const {
  std::optional<TimePoint> earliest;
  for (const auto& at :
       {engine_.NextDeadline(), transport_.NextDeadline(), store_.NextDeadline()}) {
    if (at && (!earliest || *at < *earliest)) earliest = at;
  }
  if (const auto at = feed_bell_ ? feed_bell_->NextDeadline() : std::nullopt) {
    if (!earliest || *at < *earliest) earliest = at;
  }
  if (!earliest) return std::nullopt;
  return std::max(std::chrono::microseconds(0), *earliest - clock_.Now());
}

void WorkerApp::OnReady(int fd, bool, bool) {
  signalfd_siginfo info{};
  while (read(fd, &info, sizeof(info)) == sizeof(info)) {
    log_.Log(engine::LogLevel::kInfo, "stopping on signal " + std::to_string(info.ssi_signo));
    engine_.Stop();
  }
}

int WorkerApp::Run() {
  log_.Log(engine::LogLevel::kDebug, std::string("switchboard-worker ") + SB_VERSION + " starts");
  while (engine_.end() == Engine::End::kRunning) {
    reactor_.Wait(TimeToWait());
    store_.Work();
    if (feed_bell_) feed_bell_->Work();
    transport_.Work();
    transport_.Deliver();
    engine_.Step();
    // What the step sent leaves now, not after another round.
    transport_.Work();
  }
  switch (engine_.end()) {
    case Engine::End::kGone:
      return kExitGone;
    case Engine::End::kUnfit:
      return kExitUnfit;
    default:
      return kExitStopped;
  }
}

}  // namespace switchboard::daemon
