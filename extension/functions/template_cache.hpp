#pragma once
// Templates of one call site: a statement renders few of them for many people.

#include <cstddef>
#include <string>

#include "extension/pg/function_cache.hpp"
#include "workers/core/bounded_cache.hpp"
#include "workers/core/template.hpp"

namespace switchboard {

// Large ones take tens of megabytes each: one of them is kept.
struct Templates {
  core::BoundedCache<core::Template, 32> usual;
  core::BoundedCache<core::Template, 1> large;
};

// The parsed template, until the next call.
inline const core::Template& ParsedTemplate(FunctionCallInfo fcinfo, const std::string& body) {
  constexpr std::size_t kUsualBytes = 32768;
  Templates& known = pg::Cached<Templates>(fcinfo);
  const auto parse = [&body] { return core::Template(body); };
  return body.size() <= kUsualBytes ? known.usual.Get(body, parse) : known.large.Get(body, parse);
}

}  // namespace switchboard
