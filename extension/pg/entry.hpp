#pragma once
// The way in: every function the server calls runs its body inside one of these. Free of server
// headers.

#include <type_traits>

#include "extension/pg/error.hpp"
#include "extension/pg/types.hpp"

namespace switchboard::pg {

// Runs `body`, which may throw and may own objects, and turns an exception into a server error. The
// error is raised after the catch block has ended: raising inside it would leak the exception
// object and leave std::current_exception() set for the life of the process.
template <class F>
auto Entry(F body) -> std::invoke_result_t<F&> {
  static_assert(std::is_trivially_destructible_v<F>);
  static_assert(std::is_void_v<std::invoke_result_t<F&>> ||
                std::is_trivially_destructible_v<std::invoke_result_t<F&>>);
  RawError error;
  try {
    return body();
  } catch (...) {
    FillFromCurrentException(&error);
  }
  RaiseError(&error);
}

// For callbacks that must not raise (at commit, at exit): whatever is thrown is dropped.
template <class F>
void EntryNoRaise(F body) noexcept {
  try {
    body();
  } catch (...) {
  }
}

struct FunctionInfoRecord {
  int api_version;
};
inline constexpr FunctionInfoRecord kVersion1Function{1};

}  // namespace switchboard::pg

#define SB_EXPORT __attribute__((visibility("default")))

// Declares and exports an SQL-callable function, its info record, and opens its body:
//   SB_SQL_FUNCTION(sb_phone_is_valid) { return pg::ReturnBool(...pg::ArgText(fcinfo, 0)...); }
// The info record is spelled out because PGDLLEXPORT is empty on server 15: with hidden visibility
// the server's own macro would hide it.
#define SB_SQL_FUNCTION(name)                                                    \
  static Datum name##_body(FunctionCallInfo fcinfo);                             \
  extern "C" {                                                                   \
  SB_EXPORT const ::switchboard::pg::FunctionInfoRecord* pg_finfo_##name(void) { \
    return &::switchboard::pg::kVersion1Function;                                \
  }                                                                              \
  SB_EXPORT Datum name(FunctionCallInfo fcinfo) {                                \
    return ::switchboard::pg::Entry([fcinfo] { return name##_body(fcinfo); });   \
  }                                                                              \
  }                                                                              \
  static Datum name##_body([[maybe_unused]] FunctionCallInfo fcinfo)
