#include "extension/pg/wake.hpp"

#include <atomic>
#include <climits>

#include "extension/pg/entry.hpp"
#include "extension/pg/guard.hpp"
#include "extension/pg/utility.hpp"

namespace switchboard::pg {
namespace {

// Written by its owner before `ready`, read by wakers after it. A waker that meets a slot just
// handed on sets the latch of the wrong worker, which is harmless: latches live as long as the
// server.
struct Slot {
  std::atomic<std::uint32_t> owner;  // pid, 0 when free
  std::atomic<std::uint32_t> ready;
  std::atomic<std::uint32_t> database;
  std::atomic<std::uint32_t> wake;
  std::atomic<Latch*> latch;
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free &&
              std::atomic<Latch*>::is_always_lock_free);

struct SlotTable {
  int count;
  Slot slots[FLEXIBLE_ARRAY_MEMBER];
};

SlotTable* slot_table = nullptr;  // null without preloading
Slot* my_slot = nullptr;
shmem_request_hook_type next_request_hook = nullptr;
shmem_startup_hook_type next_startup_hook = nullptr;

// The outermost transaction level that marked, so that rolling back a savepoint takes back what was
// marked inside it and nothing else.
constexpr int kUnmarked = INT_MAX;
struct Mark {
  int level;
};
Mark workers_mark{kUnmarked};
Mark launcher_mark{kUnmarked};

void SetMark(Mark* mark) {
  if (slot_table != nullptr) {
    mark->level = std::min(mark->level, GetCurrentTransactionNestLevel());
  }
}

void EndSubtransaction(Mark* mark, bool committed) {
  const int level = GetCurrentTransactionNestLevel();
  if (mark->level != kUnmarked && mark->level >= level) {
    mark->level = committed ? level - 1 : kUnmarked;
  }
}

void EndTransaction(Mark* mark, bool committed, unsigned database) noexcept {
  if (committed && mark->level != kUnmarked) {
    WakeNow(database);
  }
  mark->level = kUnmarked;
}

int SlotCount() { return max_worker_processes + 1; }

size_t TableSize() { return offsetof(SlotTable, slots) + SlotCount() * sizeof(Slot); }

void AttachPg() {
  bool found;
  LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
  slot_table =
      static_cast<SlotTable*>(ShmemInitStruct("pg_switchboard wake slots", TableSize(), &found));
  if (!found) {
    std::memset(static_cast<void*>(slot_table), 0, TableSize());
    slot_table->count = SlotCount();
  }
  LWLockRelease(AddinShmemInitLock);
}

bool ClaimSlot(Slot* slot, unsigned database) {
  std::uint32_t nobody = 0;
  if (!slot->owner.compare_exchange_strong(nobody, static_cast<std::uint32_t>(MyProcPid))) {
    return false;
  }
  slot->wake = 0;
  slot->database = database;
  slot->latch = MyLatch;
  slot->ready = 1;
  my_slot = slot;
  return true;
}

extern "C" {

static void sb_wake_request_memory(void) {
  if (next_request_hook != nullptr) {
    next_request_hook();
  }
  Entry([] { CallPg([] { RequestAddinShmemSpace(TableSize()); }); });
}

static void sb_wake_attach(void) {
  if (next_startup_hook != nullptr) {
    next_startup_hook();
  }
  Entry([] { CallPg(AttachPg); });
}

// Called when the transaction's rows have become visible; must not raise any more.
static void sb_wake_at_end(XactEvent event, void*) {
  if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE) {
    EndTransaction(&workers_mark, event == XACT_EVENT_COMMIT, MyDatabaseId);
    EndTransaction(&launcher_mark, event == XACT_EVENT_COMMIT, kLauncher);
  }
}

static void sb_wake_at_subtransaction_end(SubXactEvent event, SubTransactionId, SubTransactionId,
                                          void*) {
  if (event == SUBXACT_EVENT_COMMIT_SUB || event == SUBXACT_EVENT_ABORT_SUB) {
    EndSubtransaction(&workers_mark, event == SUBXACT_EVENT_COMMIT_SUB);
    EndSubtransaction(&launcher_mark, event == SUBXACT_EVENT_COMMIT_SUB);
  }
}

static void sb_wake_release_slot(int, Datum) {
  my_slot->ready = 0;
  my_slot->owner = 0;
  my_slot = nullptr;
}
}

void AfterUtility(const UtilityCall& call) {
  if (call.kind == Utility::kCommitPrepared) {
    WakeNow(MyDatabaseId);
    WakeNow(kLauncher);
  }
}

}  // namespace

void InstallWake() {
  next_request_hook = shmem_request_hook;
  shmem_request_hook = sb_wake_request_memory;
  next_startup_hook = shmem_startup_hook;
  shmem_startup_hook = sb_wake_attach;
  CallPg([] {
    RegisterXactCallback(sb_wake_at_end, nullptr);
    RegisterSubXactCallback(sb_wake_at_subtransaction_end, nullptr);
  });
  ObserveUtility(nullptr, AfterUtility);
}

void WakeWorkersAtCommit() { SetMark(&workers_mark); }

void WakeLauncherAtCommit() { SetMark(&launcher_mark); }

void WakeNow(unsigned database) noexcept {
  if (slot_table == nullptr) {
    return;
  }
  for (int i = 0; i < slot_table->count; ++i) {
    Slot& slot = slot_table->slots[i];
    if (slot.ready != 0 && slot.database == database) {
      slot.wake = 1;
      SetLatch(slot.latch);
    }
  }
}

void RegisterForWake(unsigned database) {
  if (slot_table == nullptr || my_slot != nullptr) {
    return;
  }
  for (int i = 0; i < slot_table->count; ++i) {
    if (ClaimSlot(&slot_table->slots[i], database)) {
      CallPg([] { before_shmem_exit(sb_wake_release_slot, static_cast<Datum>(0)); });
      return;
    }
  }
  CallPg([] {
    ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
                    errmsg("no free wake-up slot for another worker"),
                    errhint("Raise max_worker_processes.")));
  });
}

bool TakeWake() noexcept { return my_slot != nullptr && my_slot->wake.exchange(0) != 0; }

}  // namespace switchboard::pg
