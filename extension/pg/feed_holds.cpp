#include "extension/pg/feed_holds.hpp"

#include "extension/pg/guard.hpp"
#include "extension/pg/worker_slots.hpp"

extern "C" {
#include "access/relation.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "commands/sequence.h"
#include "storage/bufmgr.h"
#include "storage/lock.h"
#include "utils/resowner.h"
}

namespace switchboard::pg {
namespace {

// A transaction that writes for more tenants holds all of them with one lock: the table of locks
// is shared by the whole server.
constexpr int kMostTenants = 32;
// The last field of an advisory lock's tag is 1 or 2 for those that SQL can take.
constexpr uint16 kTagClass = 0xB000;
constexpr uint16 kTagClassMask = 0xF000;
constexpr int64 kNumberRange = int64{1} << 44;
constexpr int64 kNumberMask = kNumberRange - 1;

struct Hold {
  uint32 key;
  int level;  // of the outermost transaction that has it
};
constinit Hold holds[kMostTenants + 1] = {};
constinit int hold_count = 0;
constinit bool registered = false;
constinit bool gave_up = false;

uint32 KeyOf(const pg_uuid_t* tenant) {
  return DatumGetUInt32(DirectFunctionCall1(uuid_hash, UUIDPGetDatum(tenant)));
}

bool IsHeld(uint32 key) {
  return std::any_of(holds, holds + hold_count, [key](const Hold& hold) {
    return hold.key == key || hold.key == kEveryTenant;
  });
}

void GiveUp(int level) noexcept {
  const int before = hold_count;
  hold_count =
      static_cast<int>(std::remove_if(holds, holds + hold_count,
                                      [level](const Hold& hold) { return hold.level >= level; }) -
                       holds);
  gave_up = gave_up || hold_count < before;
}

void PassToParent(int level) noexcept {
  for (Hold& hold : std::span(holds, hold_count)) {
    hold.level = std::min(hold.level, level - 1);
  }
}

extern "C" {

static void sb_feed_at_end(XactEvent event, void*) {
  if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT) {
    GiveUp(0);
  } else if (event == XACT_EVENT_PREPARE) {
    hold_count = 0;
  }
}

static void sb_feed_at_subtransaction_end(SubXactEvent event, SubTransactionId, SubTransactionId,
                                          void*) {
  if (event == SUBXACT_EVENT_ABORT_SUB) {
    GiveUp(GetCurrentTransactionNestLevel());
  } else if (event == SUBXACT_EVENT_COMMIT_SUB) {
    PassToParent(GetCurrentTransactionNestLevel());
  }
}

// Told after the locks are gone, so that whoever looks finds none.
static void sb_feed_after_locks(ResourceReleasePhase phase, bool, bool, void*) {
  if (phase == RESOURCE_RELEASE_AFTER_LOCKS && gave_up) {
    gave_up = false;
    SignalFeed(MyDatabaseId);
  }
}
}

void RegisterPg() {
  if (!registered) {
    RegisterXactCallback(sb_feed_at_end, nullptr);
    RegisterSubXactCallback(sb_feed_at_subtransaction_end, nullptr);
    RegisterResourceReleaseCallback(sb_feed_after_locks, nullptr);
    registered = true;
  }
}

Oid SequencePg() {
  const Oid schema = get_namespace_oid("switchboard", false);
  const Oid sequence = get_relname_relid("events_seq", schema);
  if (!OidIsValid(sequence)) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                    errmsg("relation \"switchboard.events_seq\" does not exist")));
  }
  return sequence;
}

// The row of a sequence is changed in place, under the lock of its page: what is read here is never
// older than a number that somebody has.
int64 LastNumberPg(Oid sequence) {
  const Relation relation = relation_open(sequence, AccessShareLock);
  const Buffer buffer = ReadBuffer(relation, 0);
  LockBuffer(buffer, BUFFER_LOCK_SHARE);
  const Page page = BufferGetPage(buffer);
  HeapTupleData row;
  row.t_data =
      reinterpret_cast<HeapTupleHeader>(PageGetItem(page, PageGetItemId(page, FirstOffsetNumber)));
  const auto* const data = reinterpret_cast<Form_pg_sequence_data>(GETSTRUCT(&row));
  const int64 last = data->is_called ? data->last_value : data->last_value - 1;
  UnlockReleaseBuffer(buffer);
  relation_close(relation, AccessShareLock);
  return last;
}

void HoldPg(uint32 key, Oid sequence) {
  if (IsHeld(key)) {
    return;
  }
  RegisterPg();
  if (hold_count >= kMostTenants) {
    key = kEveryTenant;
  }
  const int64 last = LastNumberPg(sequence);
  LOCKTAG tag;
  SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, key, static_cast<uint32>(last),
                       static_cast<uint16>(kTagClass | ((last & kNumberMask) >> 32)));
  (void)LockAcquire(&tag, ShareLock, false, false);
  holds[hold_count++] = Hold{key, GetCurrentTransactionNestLevel()};
}

int64 NumberEventPg(const pg_uuid_t* tenant) {
  const Oid sequence = SequencePg();
  HoldPg(KeyOf(tenant), sequence);
  return nextval_internal(sequence, false);
}

bool IsFeedHold(const LockInstanceData& lock) {
  return lock.locktag.locktag_type == LOCKTAG_ADVISORY &&
         lock.locktag.locktag_lockmethodid == USER_LOCKMETHOD &&
         lock.locktag.locktag_field1 == MyDatabaseId &&
         (lock.locktag.locktag_field4 & kTagClassMask) == kTagClass && lock.holdMask != 0 &&
         lock.pid != MyProcPid;
}

// The number that is nearest to `near` among those with the bits of the tag.
int64 NumberOf(const LOCKTAG& tag, int64 near) {
  const int64 bits = (static_cast<int64>(tag.locktag_field4 & ~kTagClassMask) << 32) |
                     static_cast<int64>(tag.locktag_field3);
  const int64 ahead = (bits - near) & kNumberMask;
  return near + (ahead < kNumberRange / 2 ? ahead : ahead - kNumberRange);
}

int64 BoundPg(const pg_uuid_t* tenant) {
  const uint32 key = KeyOf(tenant);
  const int64 last = LastNumberPg(SequencePg());
  int64 bound = last;
  const LockData* const locks = GetLockStatusData();
  for (const LockInstanceData& lock : std::span(locks->locks, locks->nelements)) {
    const uint32 held = lock.locktag.locktag_field2;
    if (IsFeedHold(lock) && (held == key || held == kEveryTenant)) {
      bound = std::min(bound, NumberOf(lock.locktag, last));
    }
  }
  return bound;
}

void RequireFollowingPg() {
  if (RecoveryInProgress()) {
    ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
                    errmsg("the event feed cannot be followed on a standby"),
                    errhint("Follow it on the primary server.")));
  }
  if (IsolationUsesXactSnapshot()) {
    ereport(ERROR, (errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
                    errmsg("the event feed cannot be followed in a transaction of isolation level "
                           "\"%s\"",
                           GetConfigOption("transaction_isolation", false, false)),
                    errhint("Its snapshot is older than the question. Use READ COMMITTED.")));
  }
}

struct FeedHolds {
  FeedHold* items;
  int count;
};

FeedHolds ReadHoldsPg(int64* last) {
  *last = LastNumberPg(SequencePg());
  const LockData* const locks = GetLockStatusData();
  FeedHolds found{};
  found.items = static_cast<FeedHold*>(palloc(sizeof(FeedHold) * (locks->nelements + 1)));
  for (const LockInstanceData& lock : std::span(locks->locks, locks->nelements)) {
    if (IsFeedHold(lock)) {
      found.items[found.count++] =
          FeedHold{static_cast<int32>(lock.locktag.locktag_field2), NumberOf(lock.locktag, *last)};
    }
  }
  return found;
}

}  // namespace

std::int64_t NumberEvent(const UuidBytes& tenant) {
  const auto* const uuid = reinterpret_cast<const pg_uuid_t*>(tenant.data());
  return CallPg([uuid] { return NumberEventPg(uuid); });
}

std::int64_t FeedBound(const UuidBytes& tenant) {
  const auto* const uuid = reinterpret_cast<const pg_uuid_t*>(tenant.data());
  return CallPg([uuid] {
    RequireFollowingPg();
    return BoundPg(uuid);
  });
}

std::int64_t LastEventNumber() {
  return CallPg([] { return LastNumberPg(SequencePg()); });
}

std::vector<FeedHold> ReadFeedHolds(std::int64_t* last) {
  const FeedHolds found = CallPg([last] {
    RequireFollowingPg();
    return ReadHoldsPg(last);
  });
  return std::vector<FeedHold>(found.items, found.items + found.count);
}

}  // namespace switchboard::pg
