#include "test/unit/http_test_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <optional>

namespace switchboard::testing {
namespace {

using namespace std::chrono_literals;

bool SendAll(int fd, const std::string& text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t count = send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

std::string Response(const std::string& body, const std::string& headers = "",
                     const std::string& status = "200 OK") {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "\r\n" + body;
}

// One request off the connection, nothing when it was closed.
std::optional<std::string> ReadRequest(int fd) {
  std::string text;
  std::array<char, 4096> bytes;
  std::size_t wanted = std::string::npos;
  while (text.size() < wanted) {
    const ssize_t count = recv(fd, bytes.data(), bytes.size(), 0);
    if (count <= 0) return std::nullopt;
    text.append(bytes.data(), static_cast<std::size_t>(count));
    if (text[0] == 0x16) return std::nullopt;  // a TLS handshake
    const std::size_t end = text.find("\r\n\r\n");
    if (end == text.npos || wanted != text.npos) continue;
    const std::size_t length = text.find("Content-Length: ");
    wanted = end + 4 + (length < end ? std::stoul(text.substr(length + 16)) : 0);
  }
  return text;
}

void Reset(int fd) {
  const linger hard{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}

}  // namespace

MisbehavingServer::MisbehavingServer() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  listen(listener_, 128);
  socklen_t size = sizeof(address);
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] { Accept(); });
}

MisbehavingServer::~MisbehavingServer() {
  stopping_ = true;
  shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  for (const int fd : fds_) shutdown(fd, SHUT_RDWR);
  for (std::thread& thread : threads_) thread.join();
  for (const int fd : fds_) close(fd);
  close(listener_);
}

std::string MisbehavingServer::last_request() {
  while (last_request_lock_.test_and_set()) std::this_thread::yield();
  std::string copy = last_request_;
  last_request_lock_.clear();
  return copy;
}

void MisbehavingServer::Accept() {
  while (!stopping_) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    ++connections_;
    fds_.push_back(fd);
    threads_.emplace_back([this, fd] { Serve(fd); });
  }
}

void MisbehavingServer::Serve(int fd) {
  for (int nth = 1;; ++nth) {
    const auto request = ReadRequest(fd);
    if (!request) break;
    ++requests_;
    while (last_request_lock_.test_and_set()) std::this_thread::yield();
    last_request_ = *request;
    last_request_lock_.clear();
    const std::size_t begin = request->find(' ') + 1;
    if (!Answer(fd, request->substr(begin, request->find(' ', begin) - begin), nth)) break;
  }
  shutdown(fd, SHUT_RDWR);
}

// False: close the connection.
bool MisbehavingServer::Answer(int fd, const std::string& path, int nth) {
  if (path == "/ok") return SendAll(fd, Response("hello", "X-One: 1\r\nx-two:  2 \r\n"));
  if (path == "/close") return false;
  if (path == "/close-when-used-again") return nth == 1 && SendAll(fd, Response("once"));
  if (path == "/reset") {
    Reset(fd);
    close(dup(fd));
    return false;
  }
  if (path == "/half") {
    SendAll(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
    return false;
  }
  if (path == "/too-long") return SendAll(fd, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef");
  if (path == "/garbage") return SendAll(fd, "SSH-2.0-OpenSSH_9.2\r\n") && false;
  if (path == "/redirect") {
    return SendAll(fd, Response("", "Location: /ok\r\n", "302 Found"));
  }
  if (path == "/early")
    return SendAll(fd, "HTTP/1.1 103 Early Hints\r\nX-Old: 1\r\n\r\n" + Response("x"));
  if (path == "/huge-headers") {
    std::string text = "HTTP/1.1 200 OK\r\n";
    while (text.size() < 200000) text += "X-Filler: " + std::string(1000, 'x') + "\r\n";
    return SendAll(fd, text + "\r\n");
  }
  if (path == "/huge") {
    SendAll(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
    while (SendAll(fd, chunk)) {
    }
    return false;
  }
  if (path == "/drip") {
    SendAll(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    while (!stopping_ && SendAll(fd, "x")) std::this_thread::sleep_for(20ms);
    return false;
  }
  if (path == "/hang") {
    std::array<char, 1> byte;
    return recv(fd, byte.data(), 1, 0) > 0;  // until the other end or the test gives up
  }
  if (path == "/slow") {
    std::this_thread::sleep_for(100ms);
    return SendAll(fd, Response("late"));
  }
  return SendAll(fd, Response("no such path", "", "404 Not Found"));
}

}  // namespace switchboard::testing
