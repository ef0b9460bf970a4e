#pragma once
// The background worker of one database: keeps a child, serves it the store, wakes it at commit,
// and announces events.

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "bgworker/child_files.hpp"
#include "bgworker/child_link.hpp"
#include "bgworker/event_bell.hpp"
#include "bgworker/retry_delay.hpp"
#include "bgworker/store_server.hpp"
#include "bgworker/supervisor.hpp"
#include "extension/pg/background_worker.hpp"

namespace switchboard::pg {
class PgError;
}

namespace switchboard::bgworker {

class DatabaseWorker {
 public:
  explicit DatabaseWorker(const pg::WorkerAssignment& assignment);

  // Serves until there is a reason to leave. The reason is noted in the worker's slot.
  void Run();

 private:
  void HandleSignals();
  void HandleReload();
  void LookForExtension();
  void Drain(pg::WorkerExit reason, std::chrono::milliseconds grace);
  // Tells the child to stop; returns when it is to be killed.
  SteadyTime TellChildToStop(std::chrono::milliseconds grace);

  void AnnounceEvents();
  void FreeOwedClaims();
  void FreeClaimsOfOrphans();

  void ServeConnection(unsigned ready);
  void ServeFrames();
  void ServeFrame(const core::Frame& frame);
  void ServeRequest(const core::Frame& frame);
  void RequestFailed(const std::string& sqlstate, const std::string& message);
  void LogForChild(std::string_view body) const;
  void CloseLink();

  unsigned Interest() const;
  std::chrono::milliseconds TimeToWait();
  bool Finished() const;

  ChildFiles files_;
  ChildLink link_;
  StoreServer store_;
  Supervisor child_;
  EventBell bell_;
  std::vector<std::string> command_in_use_;

  std::optional<SteadyTime> free_again_at_;  // freeing failed, or an orphan still lives
  std::optional<SteadyTime> give_up_at_;     // draining: leave debts to the next life
  std::optional<SteadyTime> deaf_until_;     // requests failed in a row
  std::optional<SteadyTime> statistics_due_at_;
  RetryDelay request_delay_;
  bool orphans_ = true;
  bool detached_ = false;
};

}  // namespace switchboard::bgworker
