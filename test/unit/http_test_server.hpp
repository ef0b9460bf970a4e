#pragma once
// A server on loopback that misbehaves as its requests ask it to: the path names what to do.

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace switchboard::testing {

class MisbehavingServer {
 public:
  MisbehavingServer();
  ~MisbehavingServer();
  MisbehavingServer(const MisbehavingServer&) = delete;
  MisbehavingServer& operator=(const MisbehavingServer&) = delete;

  std::string Url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  int port() const { return port_; }
  int connections() const { return connections_; }
  int requests() const { return requests_; }
  // Of the request served last: request line, headers and body as they came.
  std::string last_request();

 private:
  void Accept();
  void Serve(int fd);
  bool Answer(int fd, const std::string& path, int nth_on_connection);

  int listener_;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::atomic<int> requests_{0};
  std::atomic<bool> stopping_{false};
  std::string last_request_;
  std::atomic_flag last_request_lock_;
  std::vector<std::thread> threads_;
  std::vector<int> fds_;
  std::thread accepting_;
};

}  // namespace switchboard::testing
