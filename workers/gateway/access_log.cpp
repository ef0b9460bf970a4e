#include "workers/gateway/access_log.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <system_error>
#include <utility>

#include "workers/core/json.hpp"

namespace switchboard::gateway {
namespace {

constexpr std::chrono::milliseconds kFlushEvery{100};
constexpr std::size_t kFlushAtOnce = 64 * 1024;
constexpr std::size_t kMostPending = 1024 * 1024;
// A pipe that poll() calls writable takes this much without blocking (POSIX: PIPE_BUF).
constexpr std::size_t kPiece = 4096;

std::string IsoTime(std::chrono::system_clock::time_point now) {
  using std::chrono::milliseconds;
  const auto since = std::chrono::duration_cast<milliseconds>(now.time_since_epoch());
  const std::time_t seconds = since.count() / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text;
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text.data() + length, text.size() - length, ".%03dZ",
                static_cast<int>(since.count() % 1000));
  return text.data();
}

bool IsWritable(int descriptor) {
  pollfd wanted{descriptor, POLLOUT, 0};
  return poll(&wanted, 1, 0) == 1 && (wanted.revents & POLLOUT) != 0;
}

}  // namespace

std::string AccessLine(const AccessRecord& record, std::chrono::system_clock::time_point now) {
  core::JsonWriter json;
  json.BeginObject().Key("time").String(IsoTime(now));
  json.Key("requestId").String(record.request_id).Key("method").String(record.method);
  json.Key("route");
  if (record.route.empty()) {
    json.Null();
  } else {
    json.String(record.route);
  }
  json.Key("status").Int(record.status).Key("bytes").Int(static_cast<std::int64_t>(record.bytes));
  json.Key("ms").Double(std::round(static_cast<double>(record.took.count()) / 10) / 100);
  json.Key("client").String(MaskedAddress(record.client)).EndObject();
  return json.Take() + '\n';
}

AccessLog::AccessLog(boost::asio::io_context& io, std::string file)
    : file_(std::move(file)), timer_(io) {
  if (!file_.empty()) {
    Open();
  }
}

AccessLog::~AccessLog() {
  Flush();
  if (descriptor_ > STDERR_FILENO) {
    close(descriptor_);
  }
}

void AccessLog::Open() {
  if (file_.empty()) {
    return;
  }
  if (file_ == "-") {
    descriptor_ = STDOUT_FILENO;
    return;
  }
  const int opened = open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  if (opened < 0) {
    throw std::system_error(errno, std::generic_category(), "cannot open " + file_);
  }
  Flush();
  if (descriptor_ > STDERR_FILENO) {
    close(descriptor_);
  }
  descriptor_ = opened;
}

void AccessLog::Write(const AccessRecord& record) {
  if (descriptor_ < 0) {
    return;
  }
  const auto now = std::chrono::system_clock::now();
  if (dropped_ > 0 && pending_.size() < kMostPending / 2) {
    core::JsonWriter json;
    json.BeginObject().Key("time").String(IsoTime(now));
    json.Key("dropped").Int(static_cast<std::int64_t>(std::exchange(dropped_, 0))).EndObject();
    pending_ += json.Take() + '\n';
  }
  Append(AccessLine(record, now));
}

void AccessLog::Append(std::string_view line) {
  if (pending_.size() + line.size() > kMostPending) {
    ++dropped_;
    return;
  }
  pending_ += line;
  if (pending_.size() >= kFlushAtOnce) {
    Flush();
  }
  FlushSoon();
}

void AccessLog::FlushSoon() {
  if (flush_is_due_ || pending_.empty()) {
    return;
  }
  flush_is_due_ = true;
  timer_.expires_after(kFlushEvery);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) {
      flush_is_due_ = false;
      Flush();
      FlushSoon();
    }
  });
}

void AccessLog::Flush() {
  std::size_t done = 0;
  while (done < pending_.size() && IsWritable(descriptor_)) {
    const std::size_t piece = std::min(kPiece, pending_.size() - done);
    const ssize_t written = write(descriptor_, pending_.data() + done, piece);
    if (written <= 0) {
      break;
    }
    done += static_cast<std::size_t>(written);
  }
  pending_.erase(0, done);
}

}  // namespace switchboard::gateway
