#pragma once
// A server error as a C++ exception, and as plain data on its way between the two worlds.
// Free of server headers.

#include <array>
#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace switchboard::pg {

// The texts of a server error; guard.cpp maps them to the members of ErrorData.
enum ErrorText : std::size_t {
  kMessage,
  kDetail,
  kDetailLog,
  kHint,
  kContext,
  kSchemaName,
  kTableName,
  kColumnName,
  kDatatypeName,
  kConstraintName,
  kInternalQuery,
  kErrorTextCount
};

// What is not text. The file and function names are constants of loaded code and are not copied.
struct ErrorNumbers {
  int sqlerrcode;  // packed by MAKE_SQLSTATE
  int cursorpos;
  int internalpos;
  int lineno;
  const char* filename;
  const char* funcname;
};

// An error between two worlds: no C++ object may be alive when the server is asked to raise, and no
// palloc'd text may be relied on while C++ unwinds. So: plain data with malloc'd strings.
struct RawError {
  ErrorNumbers numbers;
  bool from_server;  // the server raised it: its context lines are complete already
  char* text[kErrorTextCount];
};
static_assert(std::is_trivially_destructible_v<RawError> && std::is_trivially_copyable_v<RawError>);

// Thrown by CallPg when the server raised an error. The transaction is broken from then on: let it
// travel to the entry, or roll back (a worker). To add context: catch by reference, AddContext,
// throw on.
class PgError : public std::exception {
 public:
  using Texts = std::array<std::string, kErrorTextCount>;
  PgError(const ErrorNumbers& numbers, Texts texts) : numbers_(numbers), texts_(std::move(texts)) {}

  const char* what() const noexcept override { return texts_[kMessage].c_str(); }
  const std::string& text(ErrorText which) const noexcept { return texts_[which]; }
  const ErrorNumbers& numbers() const noexcept { return numbers_; }
  void AddContext(const std::string& line);

  // The five characters, for example "57014".
  std::string sqlstate() const;

 private:
  ErrorNumbers numbers_;
  Texts texts_;
};

// What MAKE_SQLSTATE does: six bits a character.
constexpr int PackSqlstate(std::string_view state) noexcept {
  int packed = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    packed |= ((state[i] - '0') & 0x3F) << (6 * i);
  }
  return packed;
}

// Gives an error for whose message there was no memory the text that says so.
void EnsureMessage(RawError* error) noexcept;

// A malloc'd copy, or null for nothing to say or no memory to say it in.
char* CopyErrorText(const char* from) noexcept;
void FreeErrorTexts(RawError* error) noexcept;

// Describes the exception being handled. Call inside a catch block; raise after the block has
// ended. Never throws: without memory the answer is 53200.
void FillFromCurrentException(RawError* error) noexcept;

// Raises ERROR with what `error` says. No C++ object with a destructor may be alive in the frames
// above.
[[noreturn]] void RaiseError(RawError* error);

}  // namespace switchboard::pg
