#include "workers/core/store_frame.hpp"

#include <cstdint>
#include <string>

namespace switchboard::core {
namespace {

constexpr std::size_t kLengthBytes = 4;
// A burst may grow the buffer to a whole frame; what an ordinary turn needs is kept.
constexpr std::size_t kKeptCapacity = std::size_t{1} << 20;

std::size_t ReadLength(const char* bytes) {
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length = length << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return length;
}

}  // namespace

void AppendFrame(std::string& out, FrameOp op, std::string_view body) {
  const std::size_t length = body.size() + 1;
  if (length > kMaxFrameBytes) {
    throw FrameError("a frame of " + std::to_string(length) + " bytes is too long");
  }
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(length >> shift & 0xff));
  }
  out.push_back(static_cast<char>(op));
  out.append(body);
}

void FrameReader::Append(std::string_view bytes) {
  if (begin_ == buffer_.size()) {
    Clear();
  } else if (begin_ > buffer_.size() / 2) {
    buffer_.erase(0, begin_);
    begin_ = 0;
  }
  buffer_.append(bytes);
}

std::optional<Frame> FrameReader::Next() {
  if (buffer_.size() - begin_ < kLengthBytes) return std::nullopt;
  const std::size_t length = ReadLength(buffer_.data() + begin_);
  if (length == 0 || length > kMaxFrameBytes) {
    throw FrameError("a frame of " + std::to_string(length) + " bytes is impossible");
  }
  if (buffer_.size() - begin_ - kLengthBytes < length) return std::nullopt;
  const char* frame = buffer_.data() + begin_ + kLengthBytes;
  begin_ += kLengthBytes + length;
  return Frame{static_cast<FrameOp>(frame[0]), std::string_view(frame + 1, length - 1)};
}

void FrameReader::Clear() {
  begin_ = 0;
  buffer_.clear();
  if (buffer_.capacity() > kKeptCapacity) buffer_.shrink_to_fit();
}

}  // namespace switchboard::core
