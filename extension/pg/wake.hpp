#pragma once
// What a transaction owes to background workers and their launcher when it commits. Free of server
// headers.
//
// A transaction only marks itself; at commit, when its rows can be seen by others, the flags and
// latches in shared memory are set. That is a few stores and, for a sleeping worker, one signal,
// however many rows were inserted. A rollback wakes nobody, nor does the rollback of the savepoint
// that did the marking. COMMIT PREPARED wakes everybody it might concern, because what the prepared
// transaction marked is not kept anywhere.
//
// Without shared_preload_libraries there is no shared memory and everything here does nothing.

#include <cstddef>

namespace switchboard::pg {

enum CommitMark : std::size_t {
  kMarkWake,       // jobs were inserted: wake this database's workers
  kMarkExtension,  // the extension was created or updated here: tell the launcher
  kMarkRecheck,    // something was dropped: workers look whether the extension is still there
  kMarkDatabases,  // the set of databases changed: tell the launcher
  kMarkCount
};

// Marks the current transaction. Costs nanoseconds; call it as often as you like.
void MarkTransaction(CommitMark mark) noexcept;

// Jobs were inserted.
inline void WakeWorkersAtCommit() noexcept { MarkTransaction(kMarkWake); }

// Wakes this database's workers at once: for work made visible by COMMIT PREPARED.
void WakeWorkersNow() noexcept;
// Events that a prepared transaction held back can be read.
void AnnounceEventsNow() noexcept;

// From _PG_init while preloading.
void RegisterCommitCallback();

}  // namespace switchboard::pg
