#pragma once
// Triggers written in C++. Free of server headers.

#include <cstdint>
#include <optional>
#include <string>

#include "extension/pg/args.hpp"
#include "extension/pg/types.hpp"

namespace switchboard::pg {

// For a trigger FOR EACH STATEMENT: checks that it is one (39P01) and returns what such a trigger
// returns.
Datum StatementTriggerResult(FunctionCallInfo fcinfo);

// One call of a trigger BEFORE UPDATE FOR EACH ROW, else 39P01. Columns are given by their number,
// found once by name; values are those of the new row. Reading costs a walk along the row, so read
// what you need once.
class UpdateTrigger {
 public:
  explicit UpdateTrigger(FunctionCallInfo fcinfo);

  // Throws 42703 when the table has no such column.
  int Column(const char* name) const;

  bool Changed(int column) const;  // not the same bytes as in the old row
  bool IsNull(int column) const;
  std::int32_t Int(int column) const;
  UuidBytes Uuid(int column) const;
  std::uint32_t EnumOid(int column) const;
  std::optional<std::string> Text(int column) const;

  // What to return from the trigger: the new row as it is, or with a column set.
  Datum Unchanged() const;
  Datum With(int column, std::optional<Timestamp> value) const;

 private:
  FunctionCallInfo fcinfo_;
};

// The label of an enum value, by the oid that rows hold.
std::string EnumLabel(std::uint32_t oid);

// now(): when the transaction started.
Timestamp TransactionTime();

}  // namespace switchboard::pg
