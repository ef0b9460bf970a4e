#pragma once
// The numbers of events, and how far readers may follow them. Free of server headers.
//
// Numbers come from a sequence, rows become visible at commit, in another order. A reader that went
// by numbers alone would pass over an event that commits later with a lower one. So a transaction
// holds the feed of a tenant before it takes a number there:
//
//   writer   W1  L := the sequence's value
//            W2  take a shared lock whose tag names the tenant and L, until the transaction ends
//            W3  n := next number                (n > L: the sequence only goes up)
//            W4  insert the row; the end makes it visible (or not), then gives up the lock
//   reader   R1  V := the sequence's value
//            R2  M := the least L of all such locks of the tenant that are held by others
//            R3  in a snapshot taken now: the rows with numbers up to least(V, M)
//
// Nothing that the reader passes can turn up later. Let n <= least(V, M) be a number of another
// transaction. n <= V, so W3 came before R1, hence W2 before R2. Were the lock still held at R2, M
// would be at most its L < n: no. So it was given up before R2, which is after the row became
// visible, which is before the snapshot of R3. The reader's own rows need no hold: it sees them
// like any others, and its later numbers are above V. Writers never wait, for all locks are shared;
// one lock covers all that a transaction writes for a tenant after it.
//
// The tag has 32 bits of a hash of the tenant: two tenants that share them wait for each other's
// transactions and lose nothing. It has 44 bits of L, compared by distance.
// A savepoint that is rolled back takes its locks and its rows with it; a prepared transaction
// keeps them, also across a restart, until it is finished, and that makes rows visible before it
// gives up locks as well. What a crash takes away are rows, and numbers that no durable commit
// used.

#include <cstdint>
#include <vector>

#include "extension/pg/args.hpp"

namespace switchboard::pg {

// The next number for an event of the tenant, with its feed held: W1 to W3. For triggers.
std::int64_t NumberEvent(const UuidBytes& tenant);

// How far the feed of the tenant can be read by statements that begin after this: R1 and R2.
// Raises 25001 where statements share a snapshot, 25006 on a standby, whose locks are elsewhere.
std::int64_t FeedBound(const UuidBytes& tenant);

// The last number given.
std::int64_t LastEventNumber();

struct FeedHold {
  std::int32_t key;    // uuid_hash() of a tenant; kEveryTenant: of all of them
  std::int64_t bound;  // up to here its feed can be read
};
inline constexpr std::int32_t kEveryTenant = 0;
// Of all tenants that are held, and in `last` the last number given before looking.
std::vector<FeedHold> ReadFeedHolds(std::int64_t* last);

}  // namespace switchboard::pg
