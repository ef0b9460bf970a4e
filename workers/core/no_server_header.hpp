// Included last by every header of workers/: nothing here may see the PostgreSQL server's headers.
// No include guard on purpose, the check must run at each inclusion.
#ifdef POSTGRES_H
#error \
    "workers/ is independent of the PostgreSQL server: do not include it together with postgres.h"
#endif
