#pragma once
// Registering background workers. Free of server headers.

#include <cstdint>
#include <optional>
#include <string>

#include "extension/pg/worker_slots.hpp"

struct BackgroundWorkerHandle;

namespace switchboard::pg {

// From _PG_init while preloading: the postmaster starts sb_launcher_main once recovery has finished
// (so a standby has none until it is promoted) and again a second after it failed.
void RegisterLauncher();

// What a worker is told at its start.
struct WorkerAssignment {
  SlotKey slot;
  DatabaseId database;
  int number;
};

// Asks the postmaster for a process that runs sb_worker_main; the launcher's latch is set when it
// starts and when it ends. Null when max_worker_processes are running.
BackgroundWorkerHandle* StartWorker(const WorkerAssignment& assignment,
                                    const std::string& database);

// In the worker: what StartWorker was given.
WorkerAssignment MyAssignment();

// Whether the process has ended, or never started.
bool WorkerHasEnded(BackgroundWorkerHandle* handle);
void ForgetWorker(BackgroundWorkerHandle* handle) noexcept;

}  // namespace switchboard::pg
