#pragma once
// Transactions of a background worker. Free of server headers.

namespace switchboard::pg {

// One short transaction with an active snapshot. What is not committed is rolled back, also when an
// exception passes; after that the worker may start the next one.
class WorkerTransaction {
 public:
  WorkerTransaction();
  ~WorkerTransaction();
  WorkerTransaction(const WorkerTransaction&) = delete;
  WorkerTransaction& operator=(const WorkerTransaction&) = delete;

  // Throws PgError if the commit fails; the transaction is rolled back then.
  void Commit();

 private:
  bool open_ = false;
};

}  // namespace switchboard::pg
