#pragma once
// Triggers written in C++. Free of server headers.

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "extension/pg/args.hpp"
#include "extension/pg/types.hpp"

namespace switchboard::pg {

// For a trigger FOR EACH STATEMENT: checks that it is one (39P01) and returns what such a trigger
// returns.
Datum StatementTriggerResult(FunctionCallInfo fcinfo);

// A value for a column of the new row.
struct ColumnValue {
  int column;
  Datum datum;
  bool is_null;
};
ColumnValue TimestampColumn(int column, std::optional<Timestamp> value);
ColumnValue BigintColumn(int column, std::int64_t value);
ColumnValue JsonbColumn(int column, const std::string& json);

enum class TriggerEvents { kInsert, kUpdate, kInsertOrUpdate };

// One call of a trigger BEFORE these events FOR EACH ROW, else 39P01. Columns are given by their
// number, found once by name; values are those of the new row, unless the name says Old: only an
// update has an old row. Reading costs a walk along the row, so read what you need once.
class RowTrigger {
 public:
  RowTrigger(FunctionCallInfo fcinfo, TriggerEvents events);

  bool IsInsert() const;

  // Throws 42703 when the table has no such column.
  int Column(const char* name) const;

  bool Changed(int column) const;  // not the same bytes as in the old row
  bool IsNull(int column) const;
  std::int32_t Int(int column) const;
  UuidBytes Uuid(int column) const;
  std::uint32_t EnumOid(int column) const;
  std::uint32_t OldEnumOid(int column) const;
  std::optional<std::string> Text(int column) const;
  std::optional<std::string> OldText(int column) const;
  std::string Json(int column) const;  // jsonb that is not null, as JSON text

  // What to return from the trigger: the new row as it is, or with columns set.
  Datum Unchanged() const;
  Datum With(std::span<const ColumnValue> values) const;

 private:
  FunctionCallInfo fcinfo_;
};

// The label of an enum value, by the oid that rows hold.
std::string EnumLabel(std::uint32_t oid);

// now(): when the transaction started.
Timestamp TransactionTime();

}  // namespace switchboard::pg
