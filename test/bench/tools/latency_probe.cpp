// How long a committed job takes to be on the wire: commits jobs one at a time and is the endpoint
// that they are sent to.
// usage: latency_probe DSN PORT TENANT ACCOUNT JOBS INTERVAL_MS
//        prints p50, p99 and the greatest time in ms from the return of COMMIT to the request's
//        arrival

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
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

// Answers every request and notes when the one with "probe": N in its body came.
class Endpoint {
 public:
  Endpoint(int port, std::size_t jobs) : arrived_(jobs) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      std::perror("latency_probe");
      std::exit(1);
    }
    listen(listener_, 64);
    thread_ = std::thread([this] { Serve(); });
  }
  ~Endpoint() {
    stopping_ = true;
    thread_.join();
  }

  std::size_t count() const { return count_; }
  Clock::time_point arrived(std::size_t job) const { return arrived_[job]; }

 private:
  void Serve() {
    std::vector<pollfd> fds{{listener_, POLLIN, 0}};
    while (!stopping_) {
      poll(fds.data(), fds.size(), 100);
      const auto now = Clock::now();
      for (std::size_t i = fds.size(); i-- > 1;) {
        if (fds[i].revents != 0 && !Read(fds[i].fd, now)) {
          close(fds[i].fd);
          fds.erase(fds.begin() + static_cast<std::ptrdiff_t>(i));
        }
      }
      if (fds[0].revents != 0) fds.push_back({accept(listener_, nullptr, nullptr), POLLIN, 0});
    }
  }

  bool Read(int fd, Clock::time_point now) {
    std::array<char, 65536> bytes;
    const ssize_t count = recv(fd, bytes.data(), bytes.size(), 0);
    if (count <= 0) return false;
    std::string& text = partial_[fd].append(bytes.data(), static_cast<std::size_t>(count));
    const std::size_t probe = text.find("\"probe\":");
    if (probe == text.npos || text.find('}', probe) == text.npos) return true;
    const std::size_t job =
        std::strtoul(text.c_str() + text.find_first_of("0123456789", probe), nullptr, 10);
    text.clear();
    if (job < arrived_.size() && arrived_[job] == Clock::time_point{}) {
      arrived_[job] = now;
      ++count_;
    }
    const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    return send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) > 0;
  }

  int listener_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> count_{0};
  std::vector<Clock::time_point> arrived_;
  std::map<int, std::string> partial_;
  std::thread thread_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return 2;
  const std::size_t jobs = std::strtoul(argv[5], nullptr, 10);
  const std::chrono::milliseconds interval(std::atol(argv[6]));
  Endpoint endpoint(std::atoi(argv[2]), jobs);
  PGconn* connection = PQconnectdb(argv[1]);
  if (PQstatus(connection) != CONNECTION_OK) {
    std::fprintf(stderr, "latency_probe: %s", PQerrorMessage(connection));
    return 1;
  }
  std::vector<Clock::time_point> committed(jobs);
  for (std::size_t job = 0; job < jobs; ++job) {
    const std::string body = "{\"body\":{\"probe\":" + std::to_string(job) + "}}";
    const char* const values[] = {argv[3], argv[4], body.c_str()};
    PGresult* result = PQexecParams(connection,
                                    "INSERT INTO switchboard.jobs (tenant_id, kind, account_id, "
                                    "payload) VALUES ($1, 'webhook', $2, $3)",
                                    3, nullptr, values, nullptr, nullptr, 0);
    committed[job] = Clock::now();
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
      std::fprintf(stderr, "latency_probe: %s", PQresultErrorMessage(result));
      return 1;
    }
    PQclear(result);
    std::this_thread::sleep_for(interval);
  }
  for (int i = 0; i < 1000 && endpoint.count() < jobs; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  PQfinish(connection);
  if (endpoint.count() < jobs) {
    std::fprintf(stderr, "latency_probe: %zu of %zu arrived\n", endpoint.count(), jobs);
    return 1;
  }
  std::vector<double> ms;
  for (std::size_t job = 0; job < jobs; ++job) {
    const std::chrono::duration<double, std::milli> took = endpoint.arrived(job) - committed[job];
    ms.push_back(std::max(0.0, took.count()));
  }
  std::ranges::sort(ms);
  const auto quantile = [&ms](double share) {
    return ms[std::min(ms.size() - 1,
                       static_cast<std::size_t>(share * static_cast<double>(ms.size())))];
  };
  std::printf("%.2f %.2f %.2f\n", quantile(0.5), quantile(0.99), ms.back());
  return 0;
}
