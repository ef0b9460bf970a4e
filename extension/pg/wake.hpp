#pragma once
// Waking background workers when a transaction that gave them work commits. Free of server headers.
//
// Shared memory holds one slot per worker: its database, its latch, a flag. A transaction only
// marks itself; at commit, when its rows can be seen by others, the flags and latches of its
// database's workers are set. That is a few stores and, for a sleeping worker, one signal, however
// many rows were inserted. A rollback wakes nobody, nor does the rollback of the savepoint that did
// the marking.
//
// Without shared_preload_libraries there is no shared memory and everything here does nothing.

namespace switchboard::pg {

// Marks the current transaction. Costs nanoseconds; call it as often as you like.
void WakeWorkersAtCommit();

}  // namespace switchboard::pg
