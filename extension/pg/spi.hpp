#pragma once
// SQL from C++. Free of server headers.
//
// Values go in and come out as UTF-8 text; cast in the statement ($1::uuid). An error comes out as
// PgError, after which the transaction is broken.

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace switchboard::pg {

using SqlValue = std::optional<std::string>;
using SqlRow = std::vector<SqlValue>;

enum class SqlAccess {
  kReadOnly,   // sees what the calling statement sees; required in STABLE functions
  kReadWrite,  // sees what was done before, the calling statement included
};

// One statement that a process runs again and again. Planned on first use and kept for the life of
// the process, also across transactions and errors. May stand at namespace scope (constinit).
class SqlStatement {
 public:
  constexpr SqlStatement(const char* sql, int parameter_count,
                         SqlAccess access = SqlAccess::kReadWrite)
      : sql_(sql), parameter_count_(parameter_count), access_(access) {}

  // Needs an open SpiSession. All rows are read into memory: bound them in the statement.
  std::vector<SqlRow> Run(std::span<const SqlValue> parameters = {});

 private:
  void Prepare();

  const char* sql_;
  int parameter_count_;
  SqlAccess access_;
  void* plan_ = nullptr;  // an SPIPlanPtr
};

// Connection to SPI for the life of the object. After an error it leaves cleaning up to the end of
// the transaction, which is where it belongs.
class SpiSession {
 public:
  SpiSession();
  ~SpiSession();
  SpiSession(const SpiSession&) = delete;
  SpiSession& operator=(const SpiSession&) = delete;

 private:
  int exceptions_at_start_;
};

}  // namespace switchboard::pg
