#include "extension/pg/function_cache.hpp"

#include "extension/pg/guard.hpp"

namespace switchboard::pg {

void* CachedObject(FunctionCallInfo fcinfo) { return fcinfo->flinfo->fn_extra; }

void CacheObject(FunctionCallInfo fcinfo, void* object, void (*destroy)(void*)) {
  try {
    CallPg([fcinfo, object, destroy] {
      const MemoryContext context = fcinfo->flinfo->fn_mcxt;
      auto* const callback = static_cast<MemoryContextCallback*>(
          MemoryContextAlloc(context, sizeof(MemoryContextCallback)));
      callback->func = destroy;
      callback->arg = object;
      MemoryContextRegisterResetCallback(context, callback);
      fcinfo->flinfo->fn_extra = object;
    });
  } catch (...) {
    destroy(object);
    throw;
  }
}

}  // namespace switchboard::pg
