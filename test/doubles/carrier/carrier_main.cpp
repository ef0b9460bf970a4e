// switchboard-carrier: a telephone company in a process, for tests and the demo.
#include <getopt.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <fstream>
#include <iostream>
#include <sstream>

#include "test/doubles/carrier/carrier_control.hpp"
#include "workers/core/errors.hpp"
#include "workers/core/json.hpp"

namespace switchboard::carrier {
namespace {

namespace asio = boost::asio;

constexpr char kUsage[] = R"(Usage: switchboard-carrier [option]...
  --port N            0 or nothing: pick one; the address is printed as the first line
  --listen ADDRESS    default 127.0.0.1
  --allow-remote      post webhooks to other machines too
  --seed N            what the calls draw their fate from (default 1)
  --speed N           simulated seconds per second (default 1)
  --repeat P          probability that a webhook is sent twice
  --shuffle           send webhooks out of order
  --late MS           send webhooks up to MS later
  --fault NAME=P      misbehave with this probability; may be repeated: slow, reset_before,
                      reset_after, 429, 503, 500_after, half_body, huge_body, hang, hang_before
  --account SID=TOKEN known Twilio account; may be repeated (default: any)
  --config FILE       settings as for POST /control/config
  --log               one line per request on standard error
)";

class AsioScheduler final : public Scheduler {
 public:
  explicit AsioScheduler(asio::io_context& io) : io_(io) {}

  WallTime Now() const override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }

  void After(std::chrono::microseconds wall, std::function<void()> run) override {
    auto timer = std::make_unique<asio::steady_timer>(io_, wall);
    asio::steady_timer& armed = *timer;
    armed.async_wait([timer = std::move(timer), run = std::move(run)](auto error) {
      if (!error) run();
    });
  }

 private:
  asio::io_context& io_;
};

struct Options {
  std::string listen = "127.0.0.1";
  unsigned short port = 0;
  bool allow_remote = false;
  bool log = false;
  Settings settings;
};

std::pair<std::string, std::string> Split(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) throw core::BadArgument("expected NAME=VALUE: " + text);
  return {text.substr(0, equals), text.substr(equals + 1)};
}

void Apply(Settings* settings, const std::string& json) { settings->Apply(core::ParseJson(json)); }

void ApplyFile(Settings* settings, const char* path) {
  std::ifstream file(path);
  if (!file) throw core::BadArgument(std::string("cannot read file ") + path);
  std::ostringstream text;
  text << file.rdbuf();
  Apply(settings, text.str());
}

void ApplyFault(Settings* settings, const std::string& text) {
  const auto [name, probability] = Split(text);
  if (!ParseFault(name)) throw core::BadArgument("unknown fault " + core::Quoted(name));
  settings->faults[name] = std::atof(probability.c_str());
}

// False: only help was asked for.
bool ReadOptions(int argc, char** argv, Options* options) {
  const option known[] = {
      {"port", required_argument, nullptr, 'p'},   {"listen", required_argument, nullptr, 'a'},
      {"allow-remote", no_argument, nullptr, 'R'}, {"seed", required_argument, nullptr, 's'},
      {"speed", required_argument, nullptr, 'S'},  {"repeat", required_argument, nullptr, 'r'},
      {"shuffle", no_argument, nullptr, 'x'},      {"late", required_argument, nullptr, 'l'},
      {"fault", required_argument, nullptr, 'f'},  {"account", required_argument, nullptr, 'A'},
      {"config", required_argument, nullptr, 'c'}, {"log", no_argument, nullptr, 'v'},
      {"help", no_argument, nullptr, 'h'},         {nullptr, 0, nullptr, 0}};
  Settings& settings = options->settings;
  for (int got; (got = getopt_long(argc, argv, "", known, nullptr)) != -1;) {
    const std::string value = optarg == nullptr ? "" : optarg;
    switch (got) {
      case 'p':
        options->port = static_cast<unsigned short>(std::stoi(value));
        break;
      case 'a':
        options->listen = value;
        break;
      case 'R':
        options->allow_remote = true;
        break;
      case 's':
        settings.seed = std::stoull(value);
        break;
      case 'S':
        Apply(&settings, R"({"speed":)" + value + "}");
        break;
      case 'r':
        settings.repeat = std::stod(value);
        break;
      case 'x':
        settings.shuffle = true;
        break;
      case 'l':
        settings.late_ms = std::stoi(value);
        break;
      case 'f':
        ApplyFault(&settings, value);
        break;
      case 'A':
        settings.accounts.insert(Split(value));
        break;
      case 'c':
        ApplyFile(&settings, optarg);
        break;
      case 'v':
        options->log = true;
        break;
      case 'h':
        return false;
      default:
        throw core::BadArgument("see --help");
    }
  }
  return true;
}

int Run(Options options) {
  asio::io_context io(1);
  AsioScheduler scheduler(io);
  HttpClient client(io, options.allow_remote);
  World world(scheduler, client, std::move(options.settings));
  Router router(world);
  HttpServer server(io, options.listen, options.port, [&](const Request& request) {
    Answer answer = router.Handle(request);
    if (options.log) {
      std::cerr << request.method << ' ' << request.target << ' ' << answer.status << ' '
                << FaultName(answer.fault) << '\n';
    }
    return answer;
  });
  // Answers under way and webhooks already posted get a moment to arrive.
  asio::steady_timer grace(io);
  asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&](auto error, int) {
    if (error) return;
    server.Stop();
    grace.expires_after(std::chrono::milliseconds(client.pending() > 0 ? 500 : 50));
    grace.async_wait([&](auto) { io.stop(); });
  });
  std::cout << "listening on " << options.listen << ':' << server.port() << std::endl;
  io.run();
  return 0;
}

}  // namespace
}  // namespace switchboard::carrier

int main(int argc, char** argv) {
  namespace carrier = switchboard::carrier;
  try {
    carrier::Options options;
    if (!carrier::ReadOptions(argc, argv, &options)) {
      std::cout << carrier::kUsage;
      return 0;
    }
    return carrier::Run(std::move(options));
  } catch (const std::exception& error) {
    std::cerr << "switchboard-carrier: " << error.what() << '\n';
    return 1;
  }
}
