#pragma once
// What launcher, workers and ordinary backends share: one slot per background worker, holds on
// databases, and the flags that wake somebody. Free of server headers.
//
// Everything here lives in shared memory, is empty again after a crash of the server and does
// nothing when the module was not preloaded. A slot's life: free -> reserved (by the launcher) ->
// occupied (the worker checked in) -> serving (it found the extension) -> ended (it left; the
// launcher reads why) -> free.

#include <cstdint>
#include <optional>
#include <vector>

namespace switchboard::pg {

using DatabaseId = std::uint32_t;  // Oid
inline constexpr DatabaseId kAnyDatabase = 0;

enum class SlotPhase : int { kFree, kReserved, kOccupied, kServing, kEnded };

// Why a worker left. Nothing was said: it failed, or was killed in a way that left the server
// alive.
enum class WorkerExit : int {
  kUnexpected,
  kNoExtension,  // nothing to do here until CREATE EXTENSION commits
  kDrained,      // SIGTERM or the launcher's wish
  kDetached,     // a statement needs the database for itself; the child lives on
};

// Flags of a worker, taken by it all at once but for the last.
enum WorkerSignal : std::uint32_t {
  kSignalWake = 1,       // jobs were committed
  kSignalRecheck = 2,    // the extension may be gone
  kSignalDrain = 4,      // leave politely
  kSignalDetach = 8,     // leave now
  kSignalPeerGone = 16,  // another worker of this database left without a word
  kSignalFeed = 32       // events can be read that could not before; taken by itself
};

// Flags of the launcher.
enum LauncherSignal : std::uint32_t {
  kLauncherChanged = 1,   // a slot or a hold changed
  kLauncherDatabases = 2  // databases were made, dropped, renamed or altered
};

// Names a reservation for good: a slot that was given away meanwhile has another generation.
struct SlotKey {
  int index;
  std::uint32_t generation;
};

struct SlotView {
  SlotKey key;
  DatabaseId database;
  int number;  // 0 … workers-1 within the database
  int pid;     // 0 until occupied and after it ended
  SlotPhase phase;
  WorkerExit exit;
};

// Asks for shared memory and adds the hooks that set it up. Call while preloading, in the
// postmaster.
void RequestWorkerSlots();

// --- for the launcher ---
void AttachLauncher();
std::uint32_t TakeLauncherSignals();
std::vector<SlotView> ReadSlots();
// Nothing when all slots are taken; their number is max_worker_processes.
std::optional<SlotKey> ReserveSlot(DatabaseId database, int number);
void FreeEndedSlot(SlotKey key);
// Frees the slot if no process has taken it; whether it did.
bool FreeReservation(SlotKey key);
void SignalSlot(SlotKey key, WorkerSignal signal);
bool DatabaseIsHeld(DatabaseId database);
// Databases in which the extension may have appeared since the last call, or kAnyDatabase.
std::vector<DatabaseId> TakePokes();

// --- for a worker ---
// Takes the reserved slot and arranges that leaving, however orderly, ends it. False: the
// reservation is void or a statement holds the database.
bool OccupySlot(SlotKey key);
void MarkServing();
void SetWorkerExit(WorkerExit exit);
std::uint32_t TakeWorkerSignals();
// Whether kSignalFeed is set, and taking it. Until it is taken, further events cost no wake-up.
bool FeedIsSignalled();
void TakeFeedSignal();
// True while some worker has that number in this worker's database.
bool SlotNumberIsTaken(int number);

// --- for backends; these never raise ---
void SignalWorkers(DatabaseId database, WorkerSignal signal) noexcept;
// One worker announces events: the first of the database.
void SignalFeed(DatabaseId database) noexcept;
bool DatabaseIsServed(DatabaseId database) noexcept;
bool MyDatabaseIsServed() noexcept;
void PokeLauncher(DatabaseId database) noexcept;
void SignalLauncher(LauncherSignal signal) noexcept;
void ReleaseHolds() noexcept;

// Keeps workers away from the database until ReleaseHolds, asks its workers to leave and waits
// until they have: milliseconds as a rule, at most 4 s (then the server's own check decides).
// Raises when canceled.
void HoldDatabase(DatabaseId database);

}  // namespace switchboard::pg
