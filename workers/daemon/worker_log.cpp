#include "workers/daemon/worker_log.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <exception>
#include <string>

#include "workers/core/json.hpp"

namespace switchboard::daemon {
namespace {

std::string TimeText() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text.data() + length, text.size() - length, ".%03dZ",
                static_cast<int>(ms.count() % 1000));
  return text.data();
}

}  // namespace

void WorkerLog::Log(engine::LogLevel level, std::string_view message) noexcept {
  if (level < least_) return;
  try {
    if (channel_ != nullptr && channel_->SendLog(level, message)) return;
    core::JsonWriter line;
    line.BeginObject().Key("time").String(TimeText());
    line.Key("level").String(engine::LogLevelName(level));
    line.Key("message").String(message).EndObject();
    const std::string text = line.Take() + "\n";
    std::fwrite(text.data(), 1, text.size(), stderr);
  } catch (const std::exception&) {
    // Out of memory: a log line is not worth the worker.
  }
}

}  // namespace switchboard::daemon
