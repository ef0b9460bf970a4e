#pragma once
// Calls as the triggers that keep their figures see them, and the table those append to. Free of
// server headers.

#include <cstdint>

#include "extension/pg/args.hpp"
#include "extension/pg/types.hpp"

namespace switchboard::pg {

// What of a row of call_logs counts. An absent campaign or user is all zeros.
struct CallFacts {
  UuidBytes tenant;
  UuidBytes campaign;
  UuidBytes user;
  bool has_campaign;
  bool has_user;
  std::int64_t started_at;  // microseconds since 2000
  std::uint32_t status;     // the oid of the label
  std::int32_t duration;
  bool answered;
  bool live;
  bool abandoned;
};

// The rows of call_logs that a trigger for each statement is called for, by its transition tables:
// first those that went, then those that came. 39P01 for any other trigger.
class CallChanges {
 public:
  explicit CallChanges(FunctionCallInfo fcinfo);

  // The next row, and in `sign` whether it came (1) or went (-1); false, once, after the last.
  bool Next(CallFacts* facts, int* sign);

 private:
  void* reader_;
};

// A row of call_rollup_deltas.
struct CallDelta {
  CallFacts of;
  std::int64_t quarter;  // microseconds since 2000
  std::int64_t calls = 0;
  std::int64_t answered = 0;
  std::int64_t live = 0;
  std::int64_t abandoned = 0;
  std::int64_t seconds = 0;
  std::int64_t answered_seconds = 0;
};

// Appends to call_rollup_deltas as its owner would, without the executor: about 2 us a row.
class CallDeltaTable {
 public:
  explicit CallDeltaTable(FunctionCallInfo fcinfo);
  void Append(const CallDelta& delta);
  void Close();

 private:
  void* table_;
};

// Folds in passing if the transaction is young, because others cannot fold until it has ended.
void FoldCallDeltas(FunctionCallInfo fcinfo);

}  // namespace switchboard::pg
