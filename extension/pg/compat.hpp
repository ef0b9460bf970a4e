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
