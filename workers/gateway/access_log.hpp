#pragma once
// One line of JSON for each request: what was asked of which route and how it went. No path,
// query, header, body or whole address: none of these may hold data of customers in a log.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "workers/gateway/client_address.hpp"

namespace switchboard::gateway {

struct AccessRecord {
  std::string_view request_id;
  std::string_view method;
  std::string_view route;  // a pattern such as /api/webhooks/{provider}/{event}; empty for none
  unsigned status = 0;
  std::uint64_t bytes = 0;  // of the answer's body
  std::chrono::microseconds took{0};
  Address client;
};

std::string AccessLine(const AccessRecord& record, std::chrono::system_clock::time_point now);

// Collects lines and writes them a few times a second. Never waits for whoever reads the log: what
// a full pipe does not take is kept up to a bound and then dropped, and the number of lines dropped
// is logged.
class AccessLog {
 public:
  // `file` as in Open; the empty name is no log at all.
  AccessLog(boost::asio::io_context& io, std::string file);
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  void Write(const AccessRecord& record);

  // Opens the file again, for programs that rotate logs. "-" is the standard output. Throws
  // std::system_error when the file cannot be opened.
  void Open();

 private:
  void FlushSoon();
  void Flush();
  void Append(std::string_view line);

  std::string file_;
  boost::asio::steady_timer timer_;
  std::string pending_;
  std::uint64_t dropped_ = 0;
  int descriptor_ = -1;
  bool flush_is_due_ = false;
};

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
