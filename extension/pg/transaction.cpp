#include "extension/pg/transaction.hpp"

#include "extension/pg/guard.hpp"

namespace switchboard::pg {
namespace {

// A transaction that cannot be rolled back leaves nothing to go on with.
void RollBack() noexcept {
  CallPg([] { AbortCurrentTransaction(); });
}

}  // namespace

WorkerTransaction::WorkerTransaction() {
  try {
    CallPg([] {
      SetCurrentStatementStartTimestamp();
      StartTransactionCommand();
      PushActiveSnapshot(GetTransactionSnapshot());
    });
  } catch (...) {
    RollBack();
    throw;
  }
  open_ = true;
}

WorkerTransaction::~WorkerTransaction() {
  if (open_) {
    RollBack();
  }
}

void WorkerTransaction::Commit() {
  CallPg([] {
    PopActiveSnapshot();
    CommitTransactionCommand();
  });
  open_ = false;
}

}  // namespace switchboard::pg
