#pragma once
// C++ objects that live as long as one call site of a function in one statement. Free of server
// headers.

#include "extension/pg/types.hpp"

namespace switchboard::pg {

// The object kept for this call site, or null.
void* CachedObject(FunctionCallInfo fcinfo);

// Keeps `object`; `destroy` is called when the statement's memory goes away, also after an error.
// It must not throw or call the server. If keeping fails, the object is destroyed and the error
// thrown.
void CacheObject(FunctionCallInfo fcinfo, void* object, void (*destroy)(void*));

// The T of this call site, made on first use.
template <class T>
T& Cached(FunctionCallInfo fcinfo) {
  if (void* const object = CachedObject(fcinfo)) {
    return *static_cast<T*>(object);
  }
  T* const made = new T;
  CacheObject(fcinfo, made, [](void* object) { delete static_cast<T*>(object); });
  return *made;
}

}  // namespace switchboard::pg
