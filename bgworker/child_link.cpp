#include "bgworker/child_link.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace switchboard::bgworker {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
constexpr std::size_t kMaxUnsentBytes = std::size_t{16} << 20;
constexpr std::size_t kKeptCapacity = std::size_t{1} << 20;
constexpr int kBacklog = 4;

[[noreturn]] void ThrowErrno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

int Listen(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    ThrowErrno("could not listen on \"" + path + "\"");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  unlink(path.c_str());  // left behind by a process that was killed
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      chmod(path.c_str(), 0600) != 0 || listen(fd, kBacklog) != 0) {
    ThrowErrno("could not listen on \"" + path + "\"");
  }
  return fd;
}

// Only we can reach the folder, but a process of ours that nobody waits for could still knock.
bool IsExpected(int fd, pid_t expected) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == geteuid() &&
         peer.pid == expected;
}

}  // namespace

ChildLink::ChildLink(const std::string& path) : path_(path), listener_(Listen(path)) {}

ChildLink::~ChildLink() {
  Close();
  close(listener_);
  unlink(path_.c_str());
}

bool ChildLink::wants_to_read() const { return out_.size() - sent_ < kMaxUnsentBytes; }

bool ChildLink::Accept(pid_t expected) {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  if (!IsExpected(fd, expected)) {
    close(fd);
    return false;
  }
  connection_ = fd;
  return true;
}

bool ChildLink::Receive() {
  std::array<char, kReadBytes> bytes;
  const ssize_t count = recv(connection_, bytes.data(), bytes.size(), 0);
  if (count > 0) {
    reader_.Append({bytes.data(), static_cast<std::size_t>(count)});
    return true;
  }
  return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

void ChildLink::Send(core::FrameOp op, std::string_view body) {
  core::AppendFrame(out_, op, body);
  Flush();
}

void ChildLink::Flush() noexcept {
  while (connected() && wants_to_write()) {
    const ssize_t count = send(connection_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (count <= 0) {
      return;
    }
    sent_ += static_cast<std::size_t>(count);
  }
  sent_ = 0;
  out_.clear();
  if (out_.capacity() > kKeptCapacity) {
    out_.shrink_to_fit();
  }
}

void ChildLink::Close() noexcept {
  if (connected()) {
    close(connection_);
  }
  connection_ = -1;
  reader_.Clear();
  out_.clear();
  sent_ = 0;
}

}  // namespace switchboard::bgworker
