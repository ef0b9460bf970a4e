// SQL functions that fail in every way C++ knows, with live objects on the stack. Regime B: no
// server headers.

#include <exception>
#include <limits>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "extension/pg/args.hpp"
#include "extension/pg/entry.hpp"
#include "extension/pg/error.hpp"
#include "extension/pg/process.hpp"
#include "extension/pg/spi.hpp"
#include "test/boundary/live.hpp"
#include "workers/core/errors.hpp"

namespace switchboard::boundary {
namespace {

[[noreturn]] void Throw(const std::string& what) {
  if (what == "runtime_error") throw std::runtime_error("broken on purpose");
  if (what == "logic_error") throw std::logic_error("logic broken on purpose");
  if (what == "no text") throw std::runtime_error("");
  if (what == "int") throw 42;
  if (what == "domain") {
    throw core::Error("SB001", "not a phone number: \"x\"", "Write a number.", "It is a letter.");
  }
  if (what == "bad sqlstate") throw core::Error("?", "odd");
  if (what == "percent") throw std::runtime_error("100%s %n of it");
  if (what == "long") throw std::runtime_error(std::string(100000, 'x'));
  if (what == "bad_alloc") throw std::bad_alloc();
  if (what == "umlaut") throw std::runtime_error("caf\xc3\xa9");
  if (what == "nested") {
    try {
      throw std::runtime_error("inner");
    } catch (...) {
      std::throw_with_nested(std::runtime_error("outer"));
    }
  }
  throw std::invalid_argument("unknown way to fail: " + what);
}

std::vector<pg::SqlRow> RunSql(const std::string& sql) {
  Live outside;
  pg::SpiSession session;
  Live inside;
  pg::SqlStatement statement(sql.c_str(), 0);
  return statement.Run();
}

}  // namespace

// sb_throw(what text): throws from below three live objects.
SB_SQL_FUNCTION(sb_throw) {
  Live one;
  std::vector<Live> more(2);
  Throw(pg::ArgText(fcinfo, 0));
}

// sb_live() -> int: counted objects alive in this process.
SB_SQL_FUNCTION(sb_live) { return static_cast<Datum>(Live::count); }

// sb_handling() -> boolean: whether an exception is still being handled. It never must be.
SB_SQL_FUNCTION(sb_handling) {
  return pg::ReturnBool(std::current_exception() != nullptr || std::uncaught_exceptions() != 0);
}

// sb_run(sql text) -> text: first value of the result; an error passes through C++ frames with live
// objects.
SB_SQL_FUNCTION(sb_run) {
  const std::vector<pg::SqlRow> rows = RunSql(pg::ArgText(fcinfo, 0));
  return rows.empty() ? pg::ReturnNull(fcinfo) : pg::ReturnOptText(fcinfo, rows[0].at(0));
}

// sb_run_with_context(sql text, line text): the same, adding a context line to an error.
SB_SQL_FUNCTION(sb_run_with_context) {
  try {
    RunSql(pg::ArgText(fcinfo, 0));
  } catch (pg::PgError& e) {
    e.AddContext(pg::ArgText(fcinfo, 1));
    throw;
  }
  return pg::ReturnVoid();
}

// sb_run_in_vain(sql text) -> text: catches the error and throws one of its own with what it read
// from it.
SB_SQL_FUNCTION(sb_run_in_vain) {
  std::string read;
  try {
    RunSql(pg::ArgText(fcinfo, 0));
  } catch (const pg::PgError& e) {
    read = e.sqlstate() + "|" + e.what() + "|" + e.text(pg::kDetail) + "|" + e.text(pg::kHint);
  }
  throw core::Error("SB002", read);
}

// sb_compute(): computes without end, polling for a cancel, with live objects.
SB_SQL_FUNCTION(sb_compute) {
  Live one;
  volatile unsigned long steps = 0;
  while (!pg::CancelPending()) {
    steps = steps + 1;
  }
  pg::CheckForInterrupts();
  return pg::ReturnVoid();
}

// sb_allocate(megabytes int): really asks for memory.
SB_SQL_FUNCTION(sb_allocate) {
  Live one;
  const std::size_t size = static_cast<std::size_t>(pg::ArgInt(fcinfo, 0)) << 20;
  std::string memory(size, 'x');
  return pg::ReturnBool(memory[size / 2] == 'x');
}

// sb_allocate_too_much(): more than any machine has.
SB_SQL_FUNCTION(sb_allocate_too_much) {
  Live one;
  std::vector<char> memory(std::numeric_limits<std::ptrdiff_t>::max());
  // Without a pointer to it outside, compilers leave the allocation out.
  [[maybe_unused]] static void* volatile elsewhere;
  elsewhere = memory.data();
  return pg::ReturnBool(memory.empty());
}

}  // namespace switchboard::boundary
