#pragma once
// The socket on which a background worker serves its child: one connection at a time, frames in
// and out, never blocking.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "workers/core/store_frame.hpp"

namespace switchboard::bgworker {

class ChildLink {
 public:
  // Listens on the path, taking it over from an earlier life. Throws std::system_error.
  explicit ChildLink(const std::string& path);
  ~ChildLink();
  ChildLink(const ChildLink&) = delete;
  ChildLink& operator=(const ChildLink&) = delete;

  bool connected() const { return connection_ >= 0; }
  // What to wait for: a connection, or bytes.
  int fd() const { return connected() ? connection_ : listener_; }
  bool wants_to_write() const { return sent_ < out_.size(); }
  // A child that does not read its answers is not read either.
  bool wants_to_read() const;

  // Takes a waiting connection if its peer is that process under our own user; another is turned
  // away.
  bool Accept(pid_t expected);

  // Reads what is there. False: the connection has ended; whole frames that came before may still
  // be taken.
  bool Receive();
  std::optional<core::Frame> Next() { return reader_.Next(); }

  // Buffers and sends what the socket takes. An end of the connection shows in Receive.
  void Send(core::FrameOp op, std::string_view body);
  void Flush() noexcept;

  void Close() noexcept;

 private:
  std::string path_;
  int listener_ = -1;
  int connection_ = -1;
  core::FrameReader reader_;
  std::string out_;
  std::size_t sent_ = 0;
};

}  // namespace switchboard::bgworker
