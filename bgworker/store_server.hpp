#pragma once
// Serves the store: every request of the child is one short transaction that calls one function of
// the worker protocol. Nothing here knows what the requests mean.

#include <chrono>
#include <string>
#include <string_view>

#include "extension/pg/spi.hpp"
#include "workers/core/store_frame.hpp"

namespace switchboard::bgworker {

class StoreServer {
 public:
  // No statement runs longer than `limit`: it bounds how long the worker may be deaf.
  void LimitStatements(std::chrono::milliseconds limit) { limit_ = limit; }

  // The reply, committed. Throws pg::PgError after the rollback, core::Error for a body that is not
  // UTF-8, core::FrameError for an operation that is no request.
  std::string Serve(core::FrameOp op, std::string_view body);

  // Frees the claims of a dead worker.
  std::string FreeClaims(const std::string& worker_key);
  std::string Settings();
  // Notifies those who listen to the event feed. Takes what the last call returned.
  std::string AnnounceEvents(const std::string& known);

 private:
  std::string Run(const char* activity, pg::SqlStatement& statement, const std::string* request);

  std::chrono::milliseconds limit_{10000};
};

}  // namespace switchboard::bgworker
