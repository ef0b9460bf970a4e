#include "extension/pg/wake.hpp"

#include <array>
#include <climits>

#include "extension/pg/guard.hpp"
#include "extension/pg/worker_slots.hpp"

namespace switchboard::pg {
namespace {

// Per mark the outermost transaction level that made it, so that rolling back a savepoint takes
// back what was marked inside it and nothing else.
constexpr int kUnmarked = INT_MAX;
constinit std::array<int, kMarkCount> marks = {kUnmarked, kUnmarked, kUnmarked, kUnmarked};

// Runs after the transaction became visible to others and before its locks are released, where an
// error would take the server down: only flags, latches and one short lock.
void Pay(CommitMark mark) noexcept {
  switch (mark) {
    case kMarkWake:
      return SignalWorkers(MyDatabaseId, kSignalWake);
    case kMarkExtension:
      return PokeLauncher(MyDatabaseId);
    case kMarkRecheck:
      return SignalWorkers(MyDatabaseId, kSignalRecheck);
    case kMarkDatabases:
      return SignalLauncher(kLauncherDatabases);
    case kMarkCount:
      return;
  }
}

void EndTransaction(bool committed) noexcept {
  for (std::size_t i = 0; i < kMarkCount; ++i) {
    if (committed && marks[i] != kUnmarked) {
      Pay(static_cast<CommitMark>(i));
    }
    marks[i] = kUnmarked;
  }
  ReleaseHolds();
}

void EndSubtransaction(bool committed) noexcept {
  const int level = GetCurrentTransactionNestLevel();
  for (int& mark : marks) {
    if (mark != kUnmarked && mark >= level) {
      mark = committed ? level - 1 : kUnmarked;
    }
  }
}

extern "C" {

static void sb_wake_at_end(XactEvent event, void*) {
  if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE) {
    EndTransaction(event == XACT_EVENT_COMMIT);
  }
}

static void sb_wake_at_subtransaction_end(SubXactEvent event, SubTransactionId, SubTransactionId,
                                          void*) {
  if (event == SUBXACT_EVENT_COMMIT_SUB || event == SUBXACT_EVENT_ABORT_SUB) {
    EndSubtransaction(event == SUBXACT_EVENT_COMMIT_SUB);
  }
}
}

}  // namespace

void MarkTransaction(CommitMark mark) noexcept {
  marks[mark] = std::min(marks[mark], GetCurrentTransactionNestLevel());
}

void WakeWorkersNow() noexcept { SignalWorkers(MyDatabaseId, kSignalWake); }

void AnnounceEventsNow() noexcept { SignalFeed(MyDatabaseId); }

void RegisterCommitCallback() {
  CallPg([] {
    RegisterXactCallback(sb_wake_at_end, nullptr);
    RegisterSubXactCallback(sb_wake_at_subtransaction_end, nullptr);
  });
}

}  // namespace switchboard::pg
