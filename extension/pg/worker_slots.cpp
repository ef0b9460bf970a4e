#include "extension/pg/worker_slots.hpp"

#include <csignal>

#include "extension/pg/compat.hpp"
#include "extension/pg/guard.hpp"

namespace switchboard::pg {
namespace {

constexpr char kTrancheName[] = "pg_switchboard";
constexpr int kMaxHolds = 32;
constexpr int kMaxPokes = 64;
constexpr long kHoldPollMs = 10;
constexpr int kHoldCancelAfterMs =
    1000;  // from then on a running statement of the worker is canceled
constexpr int kHoldGiveUpMs = 4000;

struct Slot {
  Oid database;
  int number;
  int pid;
  std::uint32_t generation;
  SlotPhase phase;
  WorkerExit exit;
  Latch* latch;  // of the worker's PGPROC: valid memory for the life of the server
  pg_atomic_uint32 signals;
};

struct Hold {
  Oid database;
  int pid;  // 0: free
};

struct Shared {
  LWLock* lock;  // guards all but the atomics; readers at commit look without it, see SignalWorkers
  Latch* launcher_latch;
  pg_atomic_uint32 launcher_signals;
  Hold holds[kMaxHolds];
  Oid pokes[kMaxPokes];
  int poke_count;
  int slot_count;
  Slot slots[FLEXIBLE_ARRAY_MEMBER];
};

constinit Shared* shared = nullptr;
constinit int my_slot = -1;
constinit bool holds_registered = false;
constinit bool i_hold = false;
constinit shmem_request_hook_type next_shmem_request = nullptr;
constinit shmem_startup_hook_type next_shmem_startup = nullptr;

Size SharedSize() { return offsetof(Shared, slots) + sizeof(Slot) * max_worker_processes; }

void InitSharedPg() {
  bool found;
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  shared = static_cast<Shared*>(ShmemInitStruct("pg_switchboard", SharedSize(), &found));
  if (!found) {
    memset(static_cast<void*>(shared), 0, SharedSize());
    shared->lock = &GetNamedLWLockTranche(kTrancheName)->lock;
    pg_atomic_init_u32(&shared->launcher_signals, 0);
    shared->slot_count = max_worker_processes;
    for (int i = 0; i < shared->slot_count; ++i) {
      pg_atomic_init_u32(&shared->slots[i].signals, 0);
    }
  }
  LWLockRelease(AddinShmemInitLock);
}

void NotifyLauncher(LauncherSignal signal) {
  pg_atomic_fetch_or_u32(&shared->launcher_signals, signal);
  if (Latch* const latch = shared->launcher_latch; latch != nullptr) {
    SetLatch(latch);
  }
}

// The flag spares a latch that is set already: a thousand commits wake a busy worker once.
void Notify(Slot& slot, WorkerSignal signal) {
  const std::uint32_t before = pg_atomic_fetch_or_u32(&slot.signals, signal);
  if ((before & signal) == 0) {
    if (Latch* const latch = slot.latch; latch != nullptr) {
      SetLatch(latch);
    }
  }
}

Slot* FindSlot(SlotKey key) {
  Slot* const slot = &shared->slots[key.index];
  return slot->generation == key.generation ? slot : nullptr;
}

bool IsHeldPg(Oid database) {
  for (const Hold& hold : shared->holds) {
    if (hold.pid != 0 && hold.database == database) {
      return true;
    }
  }
  return false;
}

bool ReserveSlotPg(Oid database, int number, SlotKey* key) {
  bool reserved = false;
  LWLockAcquire(shared->lock, LW_EXCLUSIVE);
  for (int i = 0; i < shared->slot_count && !reserved; ++i) {
    Slot& slot = shared->slots[i];
    if (slot.phase == SlotPhase::kFree) {
      slot.database = database;
      slot.number = number;
      slot.generation += 1;
      slot.phase = SlotPhase::kReserved;
      slot.exit = WorkerExit::kUnexpected;
      pg_atomic_write_u32(&slot.signals, 0);
      *key = SlotKey{i, slot.generation};
      reserved = true;
    }
  }
  LWLockRelease(shared->lock);
  return reserved;
}

// Whether the slot was in that phase and is free now.
bool FreeSlotPg(SlotKey key, SlotPhase phase) {
  LWLockAcquire(shared->lock, LW_EXCLUSIVE);
  Slot* const slot = FindSlot(key);
  const bool frees = slot != nullptr && slot->phase == phase;
  if (frees) {
    slot->phase = SlotPhase::kFree;
    slot->database = InvalidOid;
    slot->generation += 1;
  }
  LWLockRelease(shared->lock);
  return frees;
}

// Runs when the worker's PGPROC is out of the list of backends already (it was registered before
// the connection was made), so that whoever waits for the slot does not find the backend still
// counted.
void EndMySlot(int, Datum) {
  LWLockAcquire(shared->lock, LW_EXCLUSIVE);
  Slot& mine = shared->slots[my_slot];
  mine.phase = SlotPhase::kEnded;
  mine.pid = 0;
  mine.latch = nullptr;
  if (mine.exit == WorkerExit::kUnexpected) {
    for (int i = 0; i < shared->slot_count; ++i) {
      Slot& peer = shared->slots[i];
      if (peer.phase == SlotPhase::kServing && peer.database == mine.database) {
        Notify(peer, kSignalPeerGone);
      }
    }
  }
  LWLockRelease(shared->lock);
  NotifyLauncher(kLauncherChanged);
}

bool OccupySlotPg(SlotKey key) {
  LWLockAcquire(shared->lock, LW_EXCLUSIVE);
  Slot* const slot = FindSlot(key);
  const bool mine = slot != nullptr && slot->phase == SlotPhase::kReserved;
  const bool held = mine && IsHeldPg(slot->database);
  if (mine) {
    slot->phase = SlotPhase::kOccupied;
    slot->pid = MyProcPid;
    slot->latch = MyLatch;
    slot->exit = held ? WorkerExit::kDetached : WorkerExit::kUnexpected;
    my_slot = key.index;
  }
  LWLockRelease(shared->lock);
  if (mine) {
    on_shmem_exit(EndMySlot, 0);
  }
  return mine && !held;
}

void LeaveLauncher(int, Datum) { shared->launcher_latch = nullptr; }

void DropHoldsAtExit(int, Datum) { ReleaseHolds(); }

// True when a place was found. From here on no worker can occupy a slot for the database.
bool AddHoldPg(Oid database) {
  bool added = false;
  LWLockAcquire(shared->lock, LW_EXCLUSIVE);
  for (Hold& hold : shared->holds) {
    if (!added && hold.pid == 0) {
      hold = Hold{database, MyProcPid};
      added = true;
    }
  }
  LWLockRelease(shared->lock);
  return added;
}

// The number of workers that are still there.
int AskToLeavePg(Oid database, bool cancel) {
  int present = 0;
  LWLockAcquire(shared->lock, LW_EXCLUSIVE);
  for (int i = 0; i < shared->slot_count; ++i) {
    Slot& slot = shared->slots[i];
    if (slot.database != database ||
        (slot.phase != SlotPhase::kOccupied && slot.phase != SlotPhase::kServing)) {
      continue;
    }
    ++present;
    Notify(slot, kSignalDetach);
    if (cancel) {
      kill(slot.pid, SIGINT);
    }
  }
  LWLockRelease(shared->lock);
  return present;
}

void WaitForWorkersPg(Oid database) {
  const TimestampTz start = GetCurrentTimestamp();
  bool canceled = false;
  for (;;) {
    const bool late = TimestampDifferenceExceeds(start, GetCurrentTimestamp(), kHoldCancelAfterMs);
    if (AskToLeavePg(database, late && !canceled) == 0 ||
        TimestampDifferenceExceeds(start, GetCurrentTimestamp(), kHoldGiveUpMs)) {
      return;
    }
    canceled = late;
    WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, kHoldPollMs,
              WaitEvent("SwitchboardHold"));
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
  }
}

void HoldDatabasePg(Oid database) {
  if (!holds_registered) {
    before_shmem_exit(DropHoldsAtExit, 0);
    holds_registered = true;
  }
  if (AddHoldPg(database)) {
    i_hold = true;
    WaitForWorkersPg(database);
  }
}

SlotView View(int index) {
  const Slot& slot = shared->slots[index];
  return SlotView{
      {index, slot.generation}, slot.database, slot.number, slot.pid, slot.phase, slot.exit};
}

int ReadSlotsPg(SlotView* out) {
  int count = 0;
  LWLockAcquire(shared->lock, LW_SHARED);
  for (int i = 0; i < shared->slot_count; ++i) {
    if (shared->slots[i].phase != SlotPhase::kFree) {
      out[count++] = View(i);
    }
  }
  LWLockRelease(shared->lock);
  return count;
}

void SignalSlotPg(SlotKey key, WorkerSignal signal) {
  LWLockAcquire(shared->lock, LW_EXCLUSIVE);
  if (Slot* const slot = FindSlot(key); slot != nullptr) {
    Notify(*slot, signal);
  }
  LWLockRelease(shared->lock);
}

int TakePokesPg(Oid* out) {
  LWLockAcquire(shared->lock, LW_EXCLUSIVE);
  const int count = shared->poke_count;
  memcpy(out, shared->pokes, sizeof(Oid) * count);
  shared->poke_count = 0;
  LWLockRelease(shared->lock);
  return count;
}

}  // namespace
}  // namespace switchboard::pg

extern "C" {
static void sb_shmem_request(void) {
  using namespace switchboard::pg;
  if (next_shmem_request != nullptr) {
    next_shmem_request();
  }
  RequestAddinShmemSpace(SharedSize());
  RequestNamedLWLockTranche(kTrancheName, 1);
}

static void sb_shmem_startup(void) {
  using namespace switchboard::pg;
  if (next_shmem_startup != nullptr) {
    next_shmem_startup();
  }
  InitSharedPg();
}
}

namespace switchboard::pg {

void RequestWorkerSlots() {
  next_shmem_request = shmem_request_hook;
  shmem_request_hook = sb_shmem_request;
  next_shmem_startup = shmem_startup_hook;
  shmem_startup_hook = sb_shmem_startup;
}

void AttachLauncher() {
  CallPg([] {
    shared->launcher_latch = MyLatch;
    on_shmem_exit(LeaveLauncher, 0);
  });
}

std::uint32_t TakeLauncherSignals() { return pg_atomic_exchange_u32(&shared->launcher_signals, 0); }

std::vector<SlotView> ReadSlots() {
  std::vector<SlotView> slots(shared->slot_count);
  SlotView* const out = slots.data();
  slots.resize(CallPg([out] { return ReadSlotsPg(out); }));
  return slots;
}

std::optional<SlotKey> ReserveSlot(DatabaseId database, int number) {
  SlotKey key{};
  SlotKey* const out = &key;
  const bool reserved = CallPg([=] { return ReserveSlotPg(database, number, out); });
  return reserved ? std::optional(key) : std::nullopt;
}

void FreeEndedSlot(SlotKey key) {
  CallPg([=] { FreeSlotPg(key, SlotPhase::kEnded); });
}

bool FreeReservation(SlotKey key) {
  return CallPg([=] { return FreeSlotPg(key, SlotPhase::kReserved); });
}

void SignalSlot(SlotKey key, WorkerSignal signal) {
  CallPg([=] { SignalSlotPg(key, signal); });
}

bool DatabaseIsHeld(DatabaseId database) {
  return CallPg([=] {
    LWLockAcquire(shared->lock, LW_SHARED);
    const bool held = IsHeldPg(database);
    LWLockRelease(shared->lock);
    return held;
  });
}

std::vector<DatabaseId> TakePokes() {
  std::vector<DatabaseId> pokes(kMaxPokes);
  DatabaseId* const out = pokes.data();
  pokes.resize(CallPg([out] { return TakePokesPg(out); }));
  return pokes;
}

bool OccupySlot(SlotKey key) {
  return CallPg([=] { return OccupySlotPg(key); });
}

// These two write one word of the worker's own slot, which readers take as they find it.
void MarkServing() {
  shared->slots[my_slot].phase = SlotPhase::kServing;
  NotifyLauncher(kLauncherChanged);
}
void SetWorkerExit(WorkerExit exit) { shared->slots[my_slot].exit = exit; }

std::uint32_t TakeWorkerSignals() {
  return pg_atomic_fetch_and_u32(&shared->slots[my_slot].signals, kSignalFeed) & ~kSignalFeed;
}

bool FeedIsSignalled() {
  return (pg_atomic_read_u32(&shared->slots[my_slot].signals) & kSignalFeed) != 0;
}

void TakeFeedSignal() {
  pg_atomic_fetch_and_u32(&shared->slots[my_slot].signals, ~std::uint32_t{kSignalFeed});
}

bool SlotNumberIsTaken(int number) {
  const Oid database = shared->slots[my_slot].database;
  for (const SlotView& slot : ReadSlots()) {
    if (slot.database == database && slot.number == number && slot.phase != SlotPhase::kEnded) {
      return true;
    }
  }
  return false;
}

// Runs at commit, where nothing may fail, hence without the lock: a slot that changes hands
// meanwhile gets one wake-up too many, or starts with a look at the whole queue anyway.
void SignalWorkers(DatabaseId database, WorkerSignal signal) noexcept {
  if (shared == nullptr) {
    return;
  }
  pg_memory_barrier();
  for (int i = 0; i < shared->slot_count; ++i) {
    Slot& slot = shared->slots[i];
    if (slot.database == database && slot.phase == SlotPhase::kServing) {
      Notify(slot, signal);
    }
  }
}

void SignalFeed(DatabaseId database) noexcept {
  if (shared == nullptr) {
    return;
  }
  pg_memory_barrier();
  Slot* first = nullptr;
  for (int i = 0; i < shared->slot_count; ++i) {
    Slot& slot = shared->slots[i];
    if (slot.database == database && slot.phase == SlotPhase::kServing &&
        (first == nullptr || slot.number < first->number)) {
      first = &slot;
    }
  }
  if (first != nullptr) {
    Notify(*first, kSignalFeed);
  }
}

bool MyDatabaseIsServed() noexcept { return DatabaseIsServed(MyDatabaseId); }

bool DatabaseIsServed(DatabaseId database) noexcept {
  for (int i = 0; shared != nullptr && i < shared->slot_count; ++i) {
    const Slot& slot = shared->slots[i];
    if (slot.database == database && slot.phase == SlotPhase::kServing) {
      return true;
    }
  }
  return false;
}

// When the list is full every database is looked at.
void PokeLauncher(DatabaseId database) noexcept {
  if (shared == nullptr) {
    return;
  }
  LWLockAcquire(shared->lock, LW_EXCLUSIVE);
  if (shared->poke_count == kMaxPokes) {
    shared->pokes[0] = kAnyDatabase;
  } else {
    shared->pokes[shared->poke_count++] = database;
  }
  LWLockRelease(shared->lock);
  NotifyLauncher(kLauncherChanged);
}

void SignalLauncher(LauncherSignal signal) noexcept {
  if (shared != nullptr) {
    NotifyLauncher(signal);
  }
}

void ReleaseHolds() noexcept {
  if (!i_hold) {
    return;
  }
  LWLockAcquire(shared->lock, LW_EXCLUSIVE);
  for (Hold& hold : shared->holds) {
    if (hold.pid == MyProcPid) {
      hold = Hold{InvalidOid, 0};
    }
  }
  LWLockRelease(shared->lock);
  i_hold = false;
  NotifyLauncher(kLauncherDatabases);
}

void HoldDatabase(DatabaseId database) {
  if (shared != nullptr) {
    CallPg([=] { HoldDatabasePg(database); });
  }
}

}  // namespace switchboard::pg
