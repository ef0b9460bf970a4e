#pragma once
// Decides which databases have how many workers, and keeps it so.

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bgworker/database_list.hpp"
#include "bgworker/retry_delay.hpp"
#include "bgworker/slot_states.hpp"
#include "extension/pg/background_worker.hpp"
#include "extension/pg/worker_process.hpp"

namespace switchboard::bgworker {

class Launcher {
 public:
  // Until SIGTERM. Sleeps as long as nothing changes.
  void Run();

 private:
  using Time = std::chrono::steady_clock::time_point;
  using WorkerName = std::pair<pg::DatabaseId, int>;  // database, number

  struct Worker {
    SlotState state = SlotState::kDue;
    std::optional<pg::SlotKey> slot;
    BackgroundWorkerHandle* handle = nullptr;
    Time due{};
    Time started{};
    bool poked = false;  // while a process was there already
    RetryDelay delay;
    Worker();
  };

  void ReadWishes();
  void WarnOfMissingDatabases(const DatabaseList& wanted) const;
  void EndChildrenOfGoneDatabases() const;

  void TakePokes();
  void Poke(Worker& worker);

  void ObserveSlots();
  void Observe(const pg::SlotView& slot);
  void ObserveReserved(Worker& worker, const pg::SlotView& slot);
  void ObserveEnded(Worker& worker, const pg::SlotView& slot);
  void Ended(Worker& worker, SlotEvent event);

  bool IsWanted(const WorkerName& name) const;
  void AddWanted();
  void DropUnwanted();
  void StartDue();
  void Start(const WorkerName& name, Worker& worker);

  std::chrono::milliseconds TimeToWait() const;

  static void Apply(Worker& worker, SlotEvent event);

  std::vector<pg::DatabaseInfo> databases_;
  std::map<pg::DatabaseId, std::string> wanted_;
  std::map<WorkerName, Worker> workers_;
  std::map<pg::DatabaseId, bool> serving_;  // databases whose first worker found the extension
  bool no_room_ = false;
};

}  // namespace switchboard::bgworker
