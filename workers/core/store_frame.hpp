// The frames that a worker child and the background worker exchange over their local socket:
// four bytes of length (big endian, counting what follows), one byte of operation, a UTF-8 JSON
// body.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace switchboard::core {

// Longer frames are refused by the reader before their body is buffered.
inline constexpr std::size_t kMaxFrameBytes = std::size_t{64} << 20;

// Requests of the child, answered in order by kReply or kFailure. kLog is not answered.
enum class FrameOp : char {
  kHello = 'H',
  kTurn = 'T',
  kNoteSending = 'S',
  kRenew = 'N',
  kRelease = 'R',
  kFree = 'F',
  kGoodbye = 'G',
  kLog = 'L',
  kAnnounce = 'A',  // never a frame: background workers announce events by themselves
  // From the server.
  kReply = 'r',
  kFailure = 'e',
  kWake = 'w',
  kStop = 's',
  kSettings = 'c',
};

struct Frame {
  FrameOp op;
  std::string_view body;  // valid until the next call of the reader that gave it
};

// The peer does not speak this protocol; the connection is of no further use.
class FrameError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws FrameError when the body is too long for a frame.
void AppendFrame(std::string& out, FrameOp op, std::string_view body);

// Cuts a stream of bytes into frames. Memory is bounded by kMaxFrameBytes plus one read.
class FrameReader {
 public:
  void Append(std::string_view bytes);

  // The next whole frame, or nothing until more bytes came. Throws FrameError on an impossible
  // length.
  std::optional<Frame> Next();

  void Clear();

 private:
  std::string buffer_;
  std::size_t begin_ = 0;  // where the first frame not yet given away starts
};

}  // namespace switchboard::core

#ifdef POSTGRES_H
#error "workers/ must not see server headers"
#endif

#include "workers/core/no_server_header.hpp"
