#pragma once
// Seeing utility statements before and after they run. Free of server headers.

namespace switchboard::pg {

enum class Utility {
  kOther,
  kCommitPrepared,
  kCreateExtension,  // name: of the extension
  kCreateDatabase,   // name: of the template, null when not given
  kDropDatabase,     // name: of the database, here and below
  kRenameDatabase,
  kMoveDatabase,  // to another tablespace
};

struct UtilityCall {
  Utility kind;
  const char* name;  // server encoding; belongs to the statement
};

// May throw: then the statement fails. `after` runs only when the statement succeeded, still inside
// its transaction (except for COMMIT PREPARED, which has none).
using UtilityObserver = void (*)(const UtilityCall&);

// From _PG_init while preloading. Either may be null. Statements of kind kOther are not shown to
// anyone.
void ObserveUtility(UtilityObserver before, UtilityObserver after);

}  // namespace switchboard::pg
