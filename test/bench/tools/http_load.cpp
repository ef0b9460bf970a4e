// Sends HTTP requests over a number of connections, the next one on each as soon as the answer to
// the last is there, and prints requests a second, the median and the 99th percentile in ms, and
// how many answers were not 2xx.
//
// usage: http_load PORT CONNECTIONS SECONDS FILE [repeat]
// FILE has a request a line, its bytes as hexadecimal digits. It ends with the last of them, or
// begins again with `repeat`.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

std::vector<std::string> ReadRequests(const char* file) {
  std::vector<std::string> requests;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < line.size(); i += 2) {
      bytes.push_back(static_cast<char>(std::stoi(line.substr(i, 2), nullptr, 16)));
    }
    requests.push_back(std::move(bytes));
  }
  return requests;
}

struct Load {
  int port;
  bool repeat;
  std::vector<std::string> requests;
  Clock::time_point until;
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> failed{0};
};

class Connection {
 public:
  explicit Connection(int port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      std::perror("http_load: connect");
      std::exit(1);
    }
  }
  ~Connection() { close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Whether the answer was 2xx.
  bool Exchange(const std::string& request) {
    if (send(socket_, request.data(), request.size(), 0) != static_cast<ssize_t>(request.size())) {
      Fail();
    }
    answer_.clear();
    while (!IsComplete()) {
      char piece[4096];
      const ssize_t got = recv(socket_, piece, sizeof piece, 0);
      if (got <= 0) {
        Fail();
      }
      answer_.append(piece, static_cast<std::size_t>(got));
    }
    return answer_.compare(9, 1, "2") == 0;
  }

 private:
  [[noreturn]] static void Fail() {
    std::fprintf(stderr, "http_load: the server closed a connection\n");
    std::exit(1);
  }

  bool IsComplete() const {
    const std::size_t end = answer_.find("\r\n\r\n");
    if (end == std::string::npos) {
      return false;
    }
    const char* length = strcasestr(answer_.c_str(), "\r\ncontent-length:");
    const std::size_t body =
        length == nullptr ? 0
                          : std::strtoul(length + sizeof "\r\ncontent-length:" - 1, nullptr, 10);
    return answer_.size() >= end + 4 + body;
  }

  int socket_;
  std::string answer_;
};

void Run(Load* load, std::vector<double>* took) {
  Connection connection(load->port);
  for (Clock::time_point start; (start = Clock::now()) < load->until;) {
    const std::size_t n = load->next++;
    if (n >= load->requests.size() && !load->repeat) {
      return;
    }
    if (!connection.Exchange(load->requests[n % load->requests.size()])) {
      ++load->failed;
    }
    took->push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: http_load PORT CONNECTIONS SECONDS FILE [repeat]\n");
    return 2;
  }
  Load load;
  load.port = std::atoi(argv[1]);
  load.repeat = argc > 5;
  load.requests = ReadRequests(argv[4]);
  std::vector<std::vector<double>> took(static_cast<std::size_t>(std::atoi(argv[2])));
  const auto start = Clock::now();
  load.until = start + std::chrono::seconds(std::atoi(argv[3]));
  std::vector<std::thread> threads;
  for (auto& mine : took) {
    threads.emplace_back(Run, &load, &mine);
  }
  for (auto& thread : threads) {
    thread.join();
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::vector<double> all;
  for (const auto& mine : took) {
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::sort(all.begin(), all.end());
  if (all.empty()) {
    return 1;
  }
  const auto count = static_cast<double>(all.size());
  std::printf("%.0f %.2f %.2f %zu\n", count / seconds, all[all.size() / 2],
              all[all.size() * 99 / 100], load.failed.load());
}
