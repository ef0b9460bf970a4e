#pragma once
// Triggers written in C++. Free of server headers.

#include "extension/pg/types.hpp"

namespace switchboard::pg {

// For a BEFORE UPDATE FOR EACH ROW trigger: the new row with the transaction's time in `column`.
// Throws 39P01 when called in any other way, 42703 when the table has no such column.
Datum RowStampedWithNow(FunctionCallInfo fcinfo, const char* column);

// For a trigger FOR EACH STATEMENT: checks that it is one (39P01) and returns what such a trigger
// returns.
Datum StatementTriggerResult(FunctionCallInfo fcinfo);

}  // namespace switchboard::pg
