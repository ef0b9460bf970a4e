#include "extension/pg/error.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

#include "workers/core/errors.hpp"

namespace switchboard::pg {
namespace {

// Text of last resort. Never freed.
char out_of_memory_text[] = "out of memory";

void FillFromPgError(const PgError& e, RawError* error) noexcept {
  error->from_server = true;
  error->numbers = e.numbers();
  for (std::size_t i = 0; i < kErrorTextCount; ++i) {
    error->text[i] = CopyErrorText(e.text(static_cast<ErrorText>(i)).c_str());
  }
}

void FillFromDomainError(const core::Error& e, RawError* error) noexcept {
  if (e.sqlstate().size() == 5) {
    error->numbers.sqlerrcode = PackSqlstate(e.sqlstate());
  }
  error->text[kMessage] = CopyErrorText(e.what());
  error->text[kDetail] = CopyErrorText(e.detail().c_str());
  error->text[kHint] = CopyErrorText(e.hint().c_str());
}

}  // namespace

char* CopyErrorText(const char* from) noexcept {
  if (from == nullptr || *from == '\0') {
    return nullptr;
  }
  const std::size_t size = std::strlen(from) + 1;
  char* const copy = static_cast<char*>(std::malloc(size));
  if (copy != nullptr) {
    std::memcpy(copy, from, size);
  }
  return copy;
}

void FreeErrorTexts(RawError* error) noexcept {
  for (char*& text : error->text) {
    if (text != out_of_memory_text) {
      std::free(text);
    }
    text = nullptr;
  }
}

void EnsureMessage(RawError* error) noexcept {
  if (error->text[kMessage] == nullptr) {
    error->text[kMessage] = out_of_memory_text;
    error->numbers.sqlerrcode = PackSqlstate("53200");
  }
}

void FillFromCurrentException(RawError* error) noexcept {
  *error = RawError{};
  error->numbers.sqlerrcode = PackSqlstate(core::sqlstate::kInternal);
  try {
    throw;
  } catch (const PgError& e) {
    FillFromPgError(e, error);
  } catch (const core::Error& e) {
    FillFromDomainError(e, error);
  } catch (const std::bad_alloc&) {
    // No message: EnsureMessage says what it means.
  } catch (const std::exception& e) {
    error->text[kMessage] = CopyErrorText(*e.what() != '\0' ? e.what() : "exception without text");
  } catch (...) {
    error->text[kMessage] = CopyErrorText("unknown exception");
  }
  EnsureMessage(error);
}

void PgError::AddContext(const std::string& line) {
  std::string& context = texts_[kContext];
  context += context.empty() ? line : "\n" + line;
}

std::string PgError::sqlstate() const {
  std::string state;
  for (int i = 0; i < 5; ++i) {
    state += static_cast<char>(((numbers_.sqlerrcode >> (6 * i)) & 0x3F) + '0');
  }
  return state;
}

}  // namespace switchboard::pg
