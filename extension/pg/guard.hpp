#pragma once
// The way out: server calls that may raise. Sees server headers, so only extension/pg/*.cpp
// includes it.

#include "extension/pg/postgres.hpp"

#include "extension/pg/error.hpp"

namespace switchboard::pg {

// Puts back the server's two stacks however the guarded call ends.
class ExceptionStackScope {
 public:
  ExceptionStackScope()
      : exception_stack_(PG_exception_stack), context_stack_(error_context_stack) {}
  ~ExceptionStackScope() {
    PG_exception_stack = exception_stack_;
    error_context_stack = context_stack_;
  }
  ExceptionStackScope(const ExceptionStackScope&) = delete;
  ExceptionStackScope& operator=(const ExceptionStackScope&) = delete;

 private:
  sigjmp_buf* const exception_stack_;
  ErrorContextCallback* const context_stack_;
};

// Takes the error the server just raised off its stack, leaving it clean. Never raises.
void CaptureError(MemoryContext context, RawError* error) noexcept;

// Frees `error` and throws what it said as PgError.
[[noreturn]] void ThrowPgError(RawError* error);

// Calls the server: an error it raises comes out as PgError, after which the transaction is broken
// (B7). `f` is regime P: pointers and integers only, no object with a destructor, nothing that
// throws, at most ten lines. An object made inside `f` is skipped by an error; one made before the
// call is destroyed. Costs one sigsetjmp without signal mask, about 10 ns.
template <class F>
auto CallPg(F&& f) -> std::invoke_result_t<F&> {
  using Result = std::invoke_result_t<F&>;
  static_assert(std::is_trivially_destructible_v<std::decay_t<F>>,
                "a guarded lambda captures pointers and integers only");
  static_assert(std::is_void_v<Result> || std::is_trivially_destructible_v<Result>,
                "a guarded lambda returns plain data only");
  const MemoryContext context = CurrentMemoryContext;
  {
    ExceptionStackScope scope;
    sigjmp_buf here;
    if (sigsetjmp(here, 0) == 0) {
      PG_exception_stack = &here;
      return f();
    }
  }
  RawError error;
  CaptureError(context, &error);
  ThrowPgError(&error);
}

}  // namespace switchboard::pg
