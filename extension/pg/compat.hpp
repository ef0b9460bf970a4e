#pragma once
// Every difference between server versions, and the only place that asks for PG_VERSION_NUM.

#include "extension/pg/postgres.hpp"

#if PG_VERSION_NUM < 150000
#error "pg_switchboard needs PostgreSQL 15 or newer"
#endif

// From 18 on a module tells its name and version.
#if PG_VERSION_NUM >= 180000
#define SB_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "pg_switchboard", .version = SB_VERSION)
#else
#define SB_MODULE_MAGIC PG_MODULE_MAGIC
#endif

extern "C" {
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "utils/acl.h"
#include "utils/wait_event.h"
}

namespace switchboard::pg {

inline bool OwnsDatabase(Oid database) {
#if PG_VERSION_NUM >= 160000
  return object_ownercheck(DatabaseRelationId, database, GetUserId());
#else
  return pg_database_ownercheck(database, GetUserId());
#endif
}

inline bool OwnsExtension(Oid extension) {
#if PG_VERSION_NUM >= 160000
  return object_ownercheck(ExtensionRelationId, extension, GetUserId());
#else
  return pg_extension_ownercheck(extension, GetUserId());
#endif
}

// What pg_stat_activity shows while a process waits for something of ours; named from 17 on.
inline uint32 WaitEvent([[maybe_unused]] const char* name) {
#if PG_VERSION_NUM >= 170000
  return WaitEventExtensionNew(name);
#else
  return PG_WAIT_EXTENSION;
#endif
}

}  // namespace switchboard::pg
