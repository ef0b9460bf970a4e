#pragma once
// Templates of one call site: a statement renders few of them for many people.

#include <string>

#include "extension/pg/function_cache.hpp"
#include "workers/core/bounded_cache.hpp"
#include "workers/core/template.hpp"

namespace switchboard {

// The parsed template, until the next call.
inline const core::Template& ParsedTemplate(FunctionCallInfo fcinfo, const std::string& body) {
  using Templates = core::BoundedCache<core::Template, 32>;
  return pg::Cached<Templates>(fcinfo).Get(body, [&body] { return core::Template(body); });
}

}  // namespace switchboard
