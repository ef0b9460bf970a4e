#include "extension/pg/guard.hpp"

namespace switchboard::pg {
namespace {

static_assert(PackSqlstate("53200") == ERRCODE_OUT_OF_MEMORY);

constexpr char* ErrorData::*kServerTexts[] = {
    &ErrorData::message,       &ErrorData::detail,
    &ErrorData::detail_log,    &ErrorData::hint,
    &ErrorData::context,       &ErrorData::schema_name,
    &ErrorData::table_name,    &ErrorData::column_name,
    &ErrorData::datatype_name, &ErrorData::constraint_name,
    &ErrorData::internalquery,
};
static_assert(std::size(kServerTexts) == kErrorTextCount);

// Moves a text into the context that outlives the raise, so that nothing malloc'd is left behind by
// it.
char* ServerText(const char* text) {
  return text == nullptr ? nullptr : MemoryContextStrdup(ErrorContext, text);
}

// An error born in C++ carries UTF-8; clients are owed the server encoding.
char* ServerTextFromUtf8(const char* text) {
  return text == nullptr
             ? nullptr
             : ServerText(pg_any_to_server(text, static_cast<int>(std::strlen(text)), PG_UTF8));
}

// ReThrowError does not call the context callbacks again: their lines are in the text already.
[[noreturn]] void RaiseAgain(RawError* error) {
  ErrorData data{};
  data.elevel = ERROR;
  data.output_to_client = true;
  data.sqlerrcode = error->numbers.sqlerrcode;
  data.cursorpos = error->numbers.cursorpos;
  data.internalpos = error->numbers.internalpos;
  data.lineno = error->numbers.lineno;
  data.filename = error->numbers.filename;
  data.funcname = error->numbers.funcname;
  for (size_t i = 0; i < kErrorTextCount; ++i) {
    data.*kServerTexts[i] = ServerText(error->text[i]);
  }
  data.saved_errno = errno;
  data.assoc_context = ErrorContext;
  FreeErrorTexts(error);
  ReThrowError(&data);
}

[[noreturn]] void RaiseNew(RawError* error) {
  const int code = error->numbers.sqlerrcode;
  const char* const message = ServerTextFromUtf8(error->text[kMessage]);
  const char* const detail = ServerTextFromUtf8(error->text[kDetail]);
  const char* const hint = ServerTextFromUtf8(error->text[kHint]);
  FreeErrorTexts(error);
  ereport(ERROR, (errcode(code), errmsg_internal("%s", message),
                  detail != nullptr ? errdetail_internal("%s", detail) : 0,
                  hint != nullptr ? errhint("%s", hint) : 0));
  pg_unreachable();
}

}  // namespace

void RaiseError(RawError* error) {
  if (error->from_server) {
    RaiseAgain(error);
  }
  RaiseNew(error);
}

void CaptureError(MemoryContext context, RawError* error) noexcept {
  *error = RawError{};
  error->from_server = true;
  MemoryContextSwitchTo(context);
  {
    // The copy needs memory and may raise in turn; then only the fact is kept.
    ExceptionStackScope scope;
    sigjmp_buf here;
    if (sigsetjmp(here, 0) == 0) {
      PG_exception_stack = &here;
      ErrorData* const data = CopyErrorData();
      error->numbers = {data->sqlerrcode, data->cursorpos, data->internalpos,
                        data->lineno,     data->filename,  data->funcname};
      for (size_t i = 0; i < kErrorTextCount; ++i) {
        error->text[i] = CopyErrorText(data->*kServerTexts[i]);
      }
      FreeErrorData(data);
    }
  }
  MemoryContextSwitchTo(context);
  FlushErrorState();
  EnsureMessage(error);
}

void ThrowPgError(RawError* error) {
  // Frees on every way out, also when a copy below finds no memory.
  struct Owner {
    RawError* error;
    ~Owner() { FreeErrorTexts(error); }
  } owner{error};
  PgError::Texts texts;
  for (size_t i = 0; i < kErrorTextCount; ++i) {
    if (error->text[i] != nullptr) {
      texts[i] = error->text[i];
    }
  }
  throw PgError(error->numbers, std::move(texts));
}

}  // namespace switchboard::pg
