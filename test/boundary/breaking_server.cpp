// Breaking things next to the server: guarded calls that raise, and what they leave behind.

#include "extension/pg/guard.hpp"

#include <sys/resource.h>

#include "extension/pg/args.hpp"
#include "extension/pg/entry.hpp"
#include "test/boundary/live.hpp"

namespace switchboard::boundary {
namespace {

struct Stacks {
  sigjmp_buf* exceptions;
  ErrorContextCallback* contexts;
  MemoryContext memory;
  bool operator==(const Stacks&) const = default;
};

Stacks Now() { return {PG_exception_stack, error_context_stack, CurrentMemoryContext}; }

// Raises from a place that has moved everything the guard must put back.
void RaisePg() {
  static ErrorContextCallback callback;
  callback.callback = [](void*) { errcontext("a callback of the raising call"); };
  callback.previous = error_context_stack;
  error_context_stack = &callback;
  MemoryContextSwitchTo(ErrorContext);
  ereport(ERROR, (errcode(ERRCODE_DIVISION_BY_ZERO), errmsg("raised on purpose")));
}

// Goes down with a live object and a guarded call on each level, raises at the bottom, and passes
// the error on.
void RaiseAtDepth(int depth) {
  Live one;
  pg::CallPg([depth] {
    if (depth == 0) {
      RaisePg();
    }
  });
  if (depth == 0) {
    return;  // not reached; the compiler does not know
  }
  try {
    RaiseAtDepth(depth - 1);
  } catch (pg::PgError& e) {
    e.AddContext("level " + std::to_string(depth));
    throw;
  }
}

}  // namespace

// sb_guard_restores() -> boolean: stacks and memory context are the same after a caught error.
SB_SQL_FUNCTION(sb_guard_restores) {
  const Stacks before = Now();
  bool caught = false;
  try {
    Live one;
    pg::CallPg(RaisePg);
  } catch (const pg::PgError&) {
    caught = true;
  }
  return pg::ReturnBool(caught && before == Now());
}

// sb_guard_survives_throw() -> boolean: an exception thrown inside a guarded call, which is
// forbidden, still does not leave the server a stack that points into a dead frame.
SB_SQL_FUNCTION(sb_guard_survives_throw) {
  const Stacks before = Now();
  try {
    pg::CallPg([] { throw 1; });
  } catch (int) {
  }
  return pg::ReturnBool(before == Now());
}

// sb_raise_at_depth(depth int)
SB_SQL_FUNCTION(sb_raise_at_depth) {
  RaiseAtDepth(pg::ArgInt(fcinfo, 0));
  return pg::ReturnVoid();
}

// sb_raise_often(times int) -> boolean: raises and catches; for measuring what is left behind.
SB_SQL_FUNCTION(sb_raise_often) {
  for (int i = pg::ArgInt(fcinfo, 0); i > 0; --i) {
    try {
      RaiseAtDepth(3);
    } catch (const pg::PgError&) {
    }
  }
  return pg::ReturnBool(Live::count == 0);
}

// sb_raise_every_field(): an error with everything an error can say.
SB_SQL_FUNCTION(sb_raise_every_field) {
  Live one;
  pg::CallPg([] {
    ereport(ERROR, (errcode(MAKE_SQLSTATE('S', 'B', '0', '0', '7')), errmsg("limit reached: 7"),
                    errdetail("The detail."), errhint("The hint."), errcontext("the context"),
                    err_generic_string(PG_DIAG_SCHEMA_NAME, "a_schema"),
                    err_generic_string(PG_DIAG_TABLE_NAME, "a_table"),
                    err_generic_string(PG_DIAG_COLUMN_NAME, "a_column"),
                    err_generic_string(PG_DIAG_DATATYPE_NAME, "a_type"),
                    err_generic_string(PG_DIAG_CONSTRAINT_NAME, "a_constraint")));
  });
  return pg::ReturnVoid();
}

// sb_sleep(): waits inside a guarded call with live objects, to be canceled or terminated.
SB_SQL_FUNCTION(sb_sleep) {
  Live one;
  pg::CallPg([] { DirectFunctionCall1(pg_sleep, Float8GetDatum(3600)); });
  return pg::ReturnVoid();
}

// sb_limit_memory(megabytes int): this process may grow by so much more.
SB_SQL_FUNCTION(sb_limit_memory) {
  long pages = 0;
  if (std::FILE* const file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%ld", &pages) != 1) {
      pages = 0;
    }
    std::fclose(file);
  }
  const rlim_t now = static_cast<rlim_t>(pages) * 4096;
  const rlimit limit{now + (static_cast<rlim_t>(pg::ArgInt(fcinfo, 0)) << 20), RLIM_INFINITY};
  return pg::ReturnBool(pages > 0 && setrlimit(RLIMIT_AS, &limit) == 0);
}

}  // namespace switchboard::boundary
