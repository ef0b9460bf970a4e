#pragma once
// Where the worker's log lines go: frames to the background worker, or JSON lines on stderr.

#include <string_view>

namespace switchboard::engine {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

constexpr std::string_view LogLevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

class LogSink {
 public:
  virtual ~LogSink() = default;
  // `message` is in the server's style (lower case, no full stop) and never holds a secret or the
  // text of a customer.
  virtual void Log(LogLevel level, std::string_view message) noexcept = 0;
};

}  // namespace switchboard::engine

#include "workers/core/no_server_header.hpp"
