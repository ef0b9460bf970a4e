#include "extension/pg/utility_hook.hpp"

#include "extension/pg/compat.hpp"
#include "extension/pg/entry.hpp"
#include "extension/pg/guard.hpp"
#include "extension/pg/wake.hpp"
#include "extension/pg/worker_slots.hpp"

extern "C" {
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/extension.h"
}

namespace switchboard::pg {
namespace {

constexpr char kExtensionName[] = "pg_switchboard";

constinit ProcessUtility_hook_type next_utility = nullptr;

const DefElem* FindOptionPg(const List* options, const char* name) {
  const ListCell* cell;
  foreach (cell, options) {
    const DefElem* const option = lfirst_node(DefElem, cell);
    if (strcmp(option->defname, name) == 0) {
      return option;
    }
  }
  return nullptr;
}

// The database that a statement needs without other sessions, or null. `databases` says whether it
// changes what the launcher sees in pg_database.
const char* DatabaseOfStatementPg(const Node* statement, bool* databases) {
  *databases = true;
  switch (nodeTag(statement)) {
    case T_DropdbStmt:
      return reinterpret_cast<const DropdbStmt*>(statement)->dbname;
    case T_CreatedbStmt: {
      const auto* const create = reinterpret_cast<const CreatedbStmt*>(statement);
      const DefElem* const source = FindOptionPg(create->options, "template");
      return source != nullptr && source->arg != nullptr
                 ? defGetString(const_cast<DefElem*>(source))
                 : "template1";
    }
    case T_AlterDatabaseStmt: {
      const auto* const alter = reinterpret_cast<const AlterDatabaseStmt*>(statement);
      return FindOptionPg(alter->options, "tablespace") != nullptr ? alter->dbname : nullptr;
    }
    case T_RenameStmt: {
      const auto* const rename = reinterpret_cast<const RenameStmt*>(statement);
      *databases = rename->renameType == OBJECT_DATABASE;
      return *databases ? rename->subname : nullptr;
    }
    default:
      *databases = false;
      return nullptr;
  }
}

// The statement locks the extension's tables away from others. Workers that come and go between its
// locks could end it by a deadlock.
bool ChangesExtensionPg(const Node* statement) {
  if (IsA(statement, AlterExtensionStmt)) {
    const auto* const alter = reinterpret_cast<const AlterExtensionStmt*>(statement);
    return strcmp(alter->extname, kExtensionName) == 0;
  }
  if (!IsA(statement, DropStmt)) {
    return false;
  }
  const auto* const drop = reinterpret_cast<const DropStmt*>(statement);
  const ListCell* cell;
  foreach (cell, drop->removeType == OBJECT_EXTENSION ? drop->objects : NIL) {
    if (strcmp(strVal(lfirst(cell)), kExtensionName) == 0) {
      return true;
    }
  }
  return false;
}

// InvalidOid when no database is to be held, or the statement is going to fail by itself: then it
// must not disturb the workers. All statements on databases but RENAME refuse to run inside a
// transaction block.
Oid DatabaseToHoldPg(const Node* statement, const char* name, ProcessUtilityContext context) {
  if (context != PROCESS_UTILITY_TOPLEVEL) {
    return InvalidOid;
  }
  if (ChangesExtensionPg(statement)) {
    const Oid extension = get_extension_oid(kExtensionName, true);
    return OidIsValid(extension) && OwnsExtension(extension) ? MyDatabaseId : InvalidOid;
  }
  if (name == nullptr || (!IsA(statement, RenameStmt) && IsTransactionBlock())) {
    return InvalidOid;
  }
  const Oid database = get_database_oid(name, true);
  return OidIsValid(database) && OwnsDatabase(database) ? database : InvalidOid;
}

bool MayDropExtension(const Node* statement) {
  if (IsA(statement, DropStmt)) {
    const ObjectType type = reinterpret_cast<const DropStmt*>(statement)->removeType;
    return type == OBJECT_EXTENSION || type == OBJECT_SCHEMA;
  }
  return IsA(statement, DropOwnedStmt);
}

// What is to be done after the statement, decided before it: the statement may free its own tree.
enum class Afterwards { kNothing, kLookForExtension, kCommitPrepared, kRollbackPrepared };

Afterwards Classify(const Node* statement) {
  if (IsA(statement, CreateExtensionStmt) || IsA(statement, AlterExtensionStmt)) {
    return Afterwards::kLookForExtension;
  }
  if (!IsA(statement, TransactionStmt)) {
    return Afterwards::kNothing;
  }
  switch (reinterpret_cast<const TransactionStmt*>(statement)->kind) {
    case TRANS_STMT_COMMIT_PREPARED:
      return Afterwards::kCommitPrepared;
    case TRANS_STMT_ROLLBACK_PREPARED:
      return Afterwards::kRollbackPrepared;
    default:
      return Afterwards::kNothing;
  }
}

void BeforeStatement(const Node* statement, ProcessUtilityContext context) {
  bool databases = false;
  bool* const out = &databases;
  const Oid hold = CallPg(
      [=] { return DatabaseToHoldPg(statement, DatabaseOfStatementPg(statement, out), context); });
  if (databases) {
    MarkTransaction(kMarkDatabases);
  }
  if (MayDropExtension(statement)) {
    MarkTransaction(kMarkRecheck);
  }
  if (OidIsValid(hold)) {
    HoldDatabase(hold);
  }
}

bool ExtensionIsHere() {
  return CallPg([] { return OidIsValid(get_extension_oid(kExtensionName, true)); });
}

// Asks for the extension instead of the name in the statement: another extension may have pulled it
// in. What a prepared transaction did is not known; a wake-up in vain is cheap.
void AfterStatement(Afterwards what) {
  if (what != Afterwards::kLookForExtension) {
    AnnounceEventsNow();
  }
  if (what == Afterwards::kRollbackPrepared) {
    return;
  }
  if (what == Afterwards::kCommitPrepared) {
    WakeWorkersNow();
    if (DatabaseIsServed(MyDatabaseId)) {
      return;
    }
  }
  if (ExtensionIsHere()) {
    MarkTransaction(kMarkExtension);
  }
}

}  // namespace
}  // namespace switchboard::pg

extern "C" {
static void sb_process_utility(PlannedStmt* planned, const char* query, bool read_only_tree,
                               ProcessUtilityContext context, ParamListInfo params,
                               QueryEnvironment* environment, DestReceiver* dest,
                               QueryCompletion* completion) {
  using namespace switchboard::pg;
  const Node* const statement = planned->utilityStmt;
  const Afterwards afterwards = Classify(statement);
  Entry([=] { BeforeStatement(statement, context); });
  (next_utility != nullptr ? next_utility : standard_ProcessUtility)(
      planned, query, read_only_tree, context, params, environment, dest, completion);
  if (afterwards != Afterwards::kNothing) {
    Entry([=] { AfterStatement(afterwards); });
  }
}
}

namespace switchboard::pg {

void InstallUtilityHook() {
  next_utility = ProcessUtility_hook;
  ProcessUtility_hook = sb_process_utility;
}

}  // namespace switchboard::pg
