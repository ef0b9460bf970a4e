#include "extension/pg/compat.hpp"

extern "C" {
// Said before the server's macro, whose export attribute is empty on 15: the symbol must be
// visible, or the module does not load.
__attribute__((visibility("default"))) const Pg_magic_struct* Pg_magic_func(void);

SB_MODULE_MAGIC;
}
