#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "extension/pg/args.hpp"
#include "extension/pg/entry.hpp"
#include "workers/core/errors.hpp"

namespace switchboard {
namespace {

// Nothing counted here has more kinds than a day has minutes.
constexpr std::int32_t kMostCounts = 1440;

std::vector<std::int64_t> Widened(std::span<const std::int64_t> counts, std::size_t size) {
  std::vector<std::int64_t> wide(std::max(counts.size(), size), 0);
  std::copy(counts.begin(), counts.end(), wide.begin());
  return wide;
}

}  // namespace

// _add_arrays(counts bigint[], more bigint[]) -> bigint[]
SB_SQL_FUNCTION(sb_add_arrays) {
  const std::span<const std::int64_t> more = pg::ArgBigintArray(fcinfo, 1);
  std::vector<std::int64_t> sum = Widened(pg::ArgBigintArray(fcinfo, 0), more.size());
  for (std::size_t i = 0; i < more.size(); ++i) {
    sum[i] += more[i];
  }
  return pg::ReturnBigintArray(sum);
}

// _count_at(counts bigint[], place int, n bigint) -> bigint[]
SB_SQL_FUNCTION(sb_count_at) {
  const std::int32_t place = pg::ArgInt(fcinfo, 1);
  if (place < 1 || place > kMostCounts) {
    throw core::BadArgument("no place " + std::to_string(place) + " to count at");
  }
  const auto index = static_cast<std::size_t>(place) - 1;
  std::vector<std::int64_t> counts = Widened(pg::ArgBigintArray(fcinfo, 0), index + 1);
  counts[index] += pg::ArgBigint(fcinfo, 2);
  return pg::ReturnBigintArray(counts);
}

}  // namespace switchboard
