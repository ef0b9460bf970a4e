#pragma once
// Waking background workers when a transaction that gave them work commits. Free of server headers.
//
// Shared memory holds one slot per worker: its database, its latch, a flag. A transaction only
// marks itself; at commit, when its rows can be seen by others, the flags and latches of its
// database's workers are set. That is a few stores and, for a sleeping worker, one signal, however
// many rows were inserted. A rollback wakes nobody, nor does the rollback of the savepoint that did
// the marking. COMMIT PREPARED wakes everybody it might concern, because what the prepared
// transaction marked is not kept anywhere.
//
// Without shared_preload_libraries there is no shared memory and everything here does nothing.

namespace switchboard::pg {

// The "database" of the launcher, which belongs to none.
inline constexpr unsigned kLauncher = 0;

// From _PG_init while preloading: asks for the shared memory and hooks into commit.
void InstallWake();

// For sessions: marks the current transaction. Costs nanoseconds; call it as often as you like.
void WakeWorkersAtCommit();
void WakeLauncherAtCommit();

// Sets flags and latches now. Never fails; may be called while committing.
void WakeNow(unsigned database) noexcept;

// For workers: gives this process a slot, once, after its latch exists; freed when the process
// exits. Throws 53400 when all slots are taken (there are as many as max_worker_processes).
void RegisterForWake(unsigned database);

// Whether someone asked for this process since the last call. Reset the latch first, then ask, then
// look at the queue: then no wake-up is lost. False without a slot.
bool TakeWake() noexcept;

}  // namespace switchboard::pg
