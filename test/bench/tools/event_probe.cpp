// Writes events and listens to them through the gateway: how long they take from the return of
// COMMIT to a listener of server-sent events, and how fast writers are while others listen.
// usage: event_probe delay DSN PORT KEY TENANT SECONDS EVENTS_PER_SECOND
//          prints p50, p99 and the greatest time in ms, and the number of events
//        event_probe rate DSN PORT KEY TENANT SECONDS LISTENERS
//          prints commits a second of 4 writers, and how much of it the first listener was sent

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kWriters = 4;

[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "event_probe: %s\n", why.c_str());
  std::exit(1);
}

int Connect(int port, const std::string& key) {
  const int handle = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(handle, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) Fail("connect");
  const std::string request =
      "GET /api/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"
      "Authorization: Bearer " +
      key + "\r\n\r\n";
  if (write(handle, request.data(), request.size()) < 0) Fail("write");
  return handle;
}

// Reads all streams; of the first one it notes when each event came, by the number in its data.
class Listeners {
 public:
  Listeners(int port, const std::string& key, int count, std::size_t events) : arrived_(events) {
    for (int i = 0; i < count; ++i) polled_.push_back({Connect(port, key), POLLIN, 0});
    thread_ = std::thread([this] { Run(); });
  }
  ~Listeners() {
    stop_ = true;
    thread_.join();
    for (const pollfd& entry : polled_) close(entry.fd);
  }
  std::size_t heard() const { return heard_; }
  const std::vector<Clock::time_point>& arrived() const { return arrived_; }

 private:
  void Run() {
    std::array<char, 65536> bytes;
    while (!stop_) {
      poll(polled_.data(), polled_.size(), 20);
      for (std::size_t i = 0; i < polled_.size(); ++i) {
        if (polled_[i].revents == 0) continue;
        const ssize_t got = read(polled_[i].fd, bytes.data(), bytes.size());
        if (got <= 0) Fail("a stream ended");
        if (i == 0) Note({bytes.data(), static_cast<std::size_t>(got)});
      }
    }
  }

  void Note(std::string_view text) {
    const auto now = Clock::now();
    rest_ += text;
    std::size_t from = 0;
    for (std::size_t end; (end = rest_.find("\n\n", from)) != std::string::npos; from = end + 2) {
      const std::size_t at = rest_.find("\"n\": ", from);
      if (at == std::string::npos || at > end) continue;
      const auto n = std::strtoul(rest_.c_str() + at + 5, nullptr, 10);
      if (n < arrived_.size()) arrived_[n] = now;
      ++heard_;
    }
    rest_.erase(0, from);
  }

  std::vector<pollfd> polled_;
  std::vector<Clock::time_point> arrived_;
  std::string rest_;
  std::atomic<std::size_t> heard_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

class Writer {
 public:
  Writer(const std::string& dsn, const std::string& tenant)
      : connection_(PQconnectdb(dsn.c_str())) {
    const std::string sql =
        "INSERT INTO switchboard.events (tenant_id, event, data) VALUES ('" + tenant +
        "', 'new-call', jsonb_build_object('n', $1::int, 'callId', gen_random_uuid(),"
        " 'from', '+12025550100', 'contactName', 'Grace Hopper'))";
    PQclear(PQprepare(connection_, "add", sql.c_str(), 0, nullptr));
  }
  ~Writer() { PQfinish(connection_); }
  void Add(std::size_t n) {
    const std::string text = std::to_string(n);
    const char* value = text.c_str();
    PGresult* result = PQexecPrepared(connection_, "add", 1, &value, nullptr, nullptr, 0);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) Fail(PQerrorMessage(connection_));
    PQclear(result);
  }

 private:
  PGconn* connection_;
};

template <class Body>
void WithWriters(const std::string& dsn, const std::string& tenant, Body body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kWriters; ++i) {
    threads.emplace_back([&, i] {
      Writer writer(dsn, tenant);
      body(writer, static_cast<std::size_t>(i));
    });
  }
  for (auto& thread : threads) thread.join();
}

void Delay(const std::string& dsn, int port, const std::string& key, const std::string& tenant,
           double seconds, double rate) {
  const auto events = static_cast<std::size_t>(seconds * rate);
  std::vector<Clock::time_point> committed(events);
  Listeners listeners(port, key, 1, events);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const auto start = Clock::now();
  WithWriters(dsn, tenant, [&](Writer& writer, std::size_t first) {
    for (std::size_t n = first; n < events; n += kWriters) {
      std::this_thread::sleep_until(
          start + std::chrono::duration_cast<Clock::duration>(
                      std::chrono::duration<double>(static_cast<double>(n) / rate)));
      writer.Add(n);
      committed[n] = Clock::now();
    }
  });
  for (int i = 0; listeners.heard() < events && i < 500; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  if (listeners.heard() < events) Fail("events are missing");
  std::vector<double> delays;
  for (std::size_t n = events / 10; n < events; ++n) {  // the first tenth warms up
    const std::chrono::duration<double, std::milli> delay = listeners.arrived()[n] - committed[n];
    delays.push_back(std::max(delay.count(), 0.0));
  }
  std::sort(delays.begin(), delays.end());
  std::printf("%.1f %.1f %.1f %zu\n", delays[delays.size() / 2], delays[delays.size() * 99 / 100],
              delays.back(), delays.size());
}

void Rate(const std::string& dsn, int port, const std::string& key, const std::string& tenant,
          double seconds, int count) {
  Listeners listeners(port, key, count, 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  std::atomic<std::size_t> written = 0;
  WithWriters(dsn, tenant, [&](Writer& writer, std::size_t) {
    while (Clock::now() < end) writer.Add(++written);
  });
  const double commits = static_cast<double>(written) / seconds;
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  std::printf("%.0f %.0f\n", commits,
              100.0 * static_cast<double>(listeners.heard()) / static_cast<double>(written));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8) Fail("takes 7 arguments");
  const bool delay = argv[1] == std::string("delay");
  const double seconds = std::atof(argv[6]);
  if (delay) {
    Delay(argv[2], std::atoi(argv[3]), argv[4], argv[5], seconds, std::atof(argv[7]));
  } else {
    Rate(argv[2], std::atoi(argv[3]), argv[4], argv[5], seconds, std::atoi(argv[7]));
  }
  return 0;
}
