#include "extension/pg/spi.hpp"

#include "extension/pg/args.hpp"
#include "extension/pg/guard.hpp"

namespace switchboard::pg {
namespace {

constexpr int kMaxParameters = 16;

void* PreparePg(const char* sql, int parameter_count) {
  Oid types[kMaxParameters];
  std::fill_n(types, kMaxParameters, TEXTOID);
  const SPIPlanPtr plan = SPI_prepare(sql, parameter_count, types);
  if (plan == nullptr || SPI_keepplan(plan) != 0) {
    elog(ERROR, "cannot prepare a statement: %s", SPI_result_code_string(SPI_result));
  }
  return plan;
}

// `texts` holds null for NULL. Returns the number of rows, which lie in SPI_tuptable.
uint64 ExecutePg(void* plan, const char* const* texts, int count, bool read_only) {
  Datum values[kMaxParameters];
  char nulls[kMaxParameters];
  for (int i = 0; i < count; ++i) {
    nulls[i] = texts[i] == nullptr ? 'n' : ' ';
    values[i] = texts[i] == nullptr ? static_cast<Datum>(0) : CStringGetTextDatum(texts[i]);
  }
  const int code = SPI_execute_plan(static_cast<SPIPlanPtr>(plan), values, nulls, read_only, 0);
  if (code < 0) {
    elog(ERROR, "cannot run a statement: %s", SPI_result_code_string(code));
  }
  return SPI_tuptable == nullptr ? 0 : SPI_processed;
}

SqlRow ReadRow(uint64 row, int columns) {
  SqlRow out(columns);
  for (int column = 1; column <= columns; ++column) {
    const char* const text = CallPg([row, column] {
      return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
    });
    if (text != nullptr) {
      out[column - 1] = Utf8FromServer(text);
    }
  }
  return out;
}

std::vector<SqlRow> ReadRows(uint64 count) {
  std::vector<SqlRow> rows;
  rows.reserve(count);
  for (uint64 row = 0; row < count; ++row) {
    rows.push_back(ReadRow(row, SPI_tuptable->tupdesc->natts));
  }
  CallPg([] { SPI_freetuptable(SPI_tuptable); });
  return rows;
}

}  // namespace

void SqlStatement::Prepare() {
  const char* const sql = sql_;
  const int count = parameter_count_;
  plan_ = CallPg([sql, count] { return PreparePg(sql, count); });
}

std::vector<SqlRow> SqlStatement::Run(std::span<const SqlValue> parameters) {
  if (static_cast<int>(parameters.size()) != parameter_count_ ||
      parameter_count_ > kMaxParameters) {
    throw std::logic_error("wrong number of statement parameters");
  }
  if (plan_ == nullptr) {
    Prepare();
  }
  std::vector<std::string> converted;
  converted.reserve(parameters.size());
  const char* texts[kMaxParameters];
  for (size_t i = 0; i < parameters.size(); ++i) {
    converted.push_back(ServerFromUtf8(parameters[i].value_or(std::string())));
    texts[i] = parameters[i] ? converted.back().c_str() : nullptr;
  }
  void* const plan = plan_;
  const char* const* const values = texts;
  const int count = parameter_count_;
  const bool read_only = access_ == SqlAccess::kReadOnly;
  const uint64 rows = CallPg(
      [plan, values, count, read_only] { return ExecutePg(plan, values, count, read_only); });
  return rows == 0 ? std::vector<SqlRow>() : ReadRows(rows);
}

SpiSession::SpiSession() : exceptions_at_start_(std::uncaught_exceptions()) {
  CallPg([] { SPI_connect(); });
}

SpiSession::~SpiSession() {
  if (std::uncaught_exceptions() > exceptions_at_start_) {
    return;
  }
  try {
    CallPg([] { SPI_finish(); });
  } catch (...) {
    std::terminate();
  }
}

}  // namespace switchboard::pg
