#include "extension/pg/utility.hpp"

#include "extension/pg/entry.hpp"
#include "extension/pg/guard.hpp"

namespace switchboard::pg {
namespace {

constexpr int kMaxObservers = 8;
struct Observer {
  UtilityObserver before;
  UtilityObserver after;
};
Observer observers[kMaxObservers];
int observer_count = 0;
ProcessUtility_hook_type next_hook = nullptr;

const char* OptionText(List* options, const char* name) {
  ListCell* cell;
  foreach (cell, options) {
    const DefElem* const option = static_cast<const DefElem*>(lfirst(cell));
    if (std::strcmp(option->defname, name) == 0 && option->arg != nullptr &&
        IsA(option->arg, String)) {
      return strVal(option->arg);
    }
  }
  return nullptr;
}

bool HasOption(List* options, const char* name) { return OptionText(options, name) != nullptr; }

UtilityCall Describe(Node* statement) {
  switch (nodeTag(statement)) {
    case T_TransactionStmt:
      return {castNode(TransactionStmt, statement)->kind == TRANS_STMT_COMMIT_PREPARED
                  ? Utility::kCommitPrepared
                  : Utility::kOther,
              nullptr};
    case T_CreateExtensionStmt:
      return {Utility::kCreateExtension, castNode(CreateExtensionStmt, statement)->extname};
    case T_CreatedbStmt:
      return {Utility::kCreateDatabase,
              OptionText(castNode(CreatedbStmt, statement)->options, "template")};
    case T_DropdbStmt:
      return {Utility::kDropDatabase, castNode(DropdbStmt, statement)->dbname};
    case T_RenameStmt:
      return {castNode(RenameStmt, statement)->renameType == OBJECT_DATABASE
                  ? Utility::kRenameDatabase
                  : Utility::kOther,
              castNode(RenameStmt, statement)->subname};
    case T_AlterDatabaseStmt:
      return {HasOption(castNode(AlterDatabaseStmt, statement)->options, "tablespace")
                  ? Utility::kMoveDatabase
                  : Utility::kOther,
              castNode(AlterDatabaseStmt, statement)->dbname};
    default:
      return {Utility::kOther, nullptr};
  }
}

void Notify(const UtilityCall& call, UtilityObserver Observer::*when) {
  if (call.kind == Utility::kOther) {
    return;
  }
  for (int i = 0; i < observer_count; ++i) {
    if (observers[i].*when != nullptr) {
      (observers[i].*when)(call);
    }
  }
}

extern "C" {

// Regime P between the two entries: the statement itself may raise straight through this frame.
static void sb_process_utility(PlannedStmt* statement, const char* text, bool read_only_tree,
                               ProcessUtilityContext context, ParamListInfo params,
                               QueryEnvironment* environment, DestReceiver* dest,
                               QueryCompletion* completion) {
  const UtilityCall call = Describe(statement->utilityStmt);
  Entry([&call] { Notify(call, &Observer::before); });
  (next_hook != nullptr ? next_hook : standard_ProcessUtility)(
      statement, text, read_only_tree, context, params, environment, dest, completion);
  Entry([&call] { Notify(call, &Observer::after); });
}
}

}  // namespace

void ObserveUtility(UtilityObserver before, UtilityObserver after) {
  if (observer_count == 0) {
    next_hook = ProcessUtility_hook;
    ProcessUtility_hook = sb_process_utility;
  }
  if (observer_count == kMaxObservers) {
    CallPg([] { elog(ERROR, "too many utility observers"); });
  }
  observers[observer_count++] = {before, after};
}

}  // namespace switchboard::pg
