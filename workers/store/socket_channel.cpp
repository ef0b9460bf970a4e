#include "workers/store/socket_channel.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "workers/core/errors.hpp"
#include "workers/core/json.hpp"

namespace switchboard::store {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kKeptOut = std::size_t{1} << 20;

}  // namespace

SocketChannel::SocketChannel(std::string path, engine::Reactor& reactor, const engine::Clock& clock)
    : path_(std::move(path)), reactor_(reactor), clock_(clock) {
  if (path_.size() >= sizeof(sockaddr_un::sun_path)) {
    throw core::BadArgument("the path of the socket is too long: " + core::Quoted(path_));
  }
}

SocketChannel::~SocketChannel() {
  if (fd_ < 0) return;
  reactor_.Forget(fd_);
  close(fd_);
}

void SocketChannel::Connect() {
  const engine::TimePoint now = clock_.Now();
  if (!give_up_at_) give_up_at_ = now + kGiveUpAfter;
  next_try_ = now + kTryEvery;
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
  // A local socket connects at once or fails: there is no handshake to wait for.
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    const std::string reason = std::strerror(errno);
    close(fd);
    if (now < *give_up_at_) return;
    gone_ = true;
    listener_->OnGone("no connection to " + path_ + ": " + reason);
    return;
  }
  fd_ = fd;
  give_up_at_.reset();
  reactor_.Watch(fd_, true, false, this);
  listener_->OnConnected();
}

void SocketChannel::Lose(const std::string& reason) {
  reactor_.Forget(fd_);
  close(fd_);
  fd_ = -1;
  broken_ = false;
  out_.clear();
  written_ = 0;
  in_.Clear();
  next_try_ = clock_.Now();
  listener_->OnDisconnected(reason);
}

void SocketChannel::Request(core::FrameOp op, std::string json) {
  if (fd_ < 0) return;
  core::AppendFrame(out_, op, json);
  Flush();
}

bool SocketChannel::SendLog(engine::LogLevel level, std::string_view message) {
  if (fd_ < 0) return false;
  core::JsonWriter writer;
  writer.BeginObject().Key("level").String(engine::LogLevelName(level));
  writer.Key("message").String(message).EndObject();
  core::AppendFrame(out_, core::FrameOp::kLog, writer.text());
  Flush();
  return true;
}

void SocketChannel::Flush() {
  while (written_ < out_.size()) {
    const ssize_t count = send(fd_, out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      if (errno != EAGAIN) {
        broken_ = true;
        return;
      }
      reactor_.Watch(fd_, true, true, this);
      return;
    }
    written_ += static_cast<std::size_t>(count);
  }
  out_.clear();
  written_ = 0;
  if (out_.capacity() > kKeptOut) out_.shrink_to_fit();
  reactor_.Watch(fd_, true, false, this);
}

void SocketChannel::OnReady(int, bool readable, bool writable) {
  if (writable) Flush();
  if (readable && fd_ >= 0) Read();
}

void SocketChannel::Read() {
  std::array<char, kReadBytes> bytes;
  while (fd_ >= 0) {
    const ssize_t count = recv(fd_, bytes.data(), bytes.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      Lose(count == 0 ? "closed by the server" : std::strerror(errno));
      return;
    }
    try {
      in_.Append({bytes.data(), static_cast<std::size_t>(count)});
      TakeFrames();
    } catch (const core::FrameError& error) {
      Lose(error.what());
      return;
    }
    if (static_cast<std::size_t>(count) < bytes.size()) return;
  }
}

void SocketChannel::TakeFrames() {
  while (fd_ >= 0) {
    const auto frame = in_.Next();
    if (!frame) return;
    if (frame->op == core::FrameOp::kReply) {
      listener_->OnReply(frame->body);
    } else if (frame->op == core::FrameOp::kFailure) {
      const auto error = core::TryParseJson(frame->body);
      const core::JsonValue none;
      const core::JsonValue& fields = error ? *error : none;
      listener_->OnFailure(std::string(core::FindString(fields, "sqlstate").value_or("XX000")),
                           std::string(core::FindString(fields, "message").value_or("")));
    } else {
      listener_->OnPush(frame->op, frame->body);
    }
  }
}

void SocketChannel::Work() {
  if (broken_) Lose("cannot write to the server");
  if (fd_ < 0 && !gone_ && clock_.Now() >= next_try_) Connect();
}

std::optional<engine::TimePoint> SocketChannel::NextDeadline() const {
  if (broken_) return clock_.Now();
  if (fd_ >= 0 || gone_) return std::nullopt;
  return next_try_;
}

}  // namespace switchboard::store
