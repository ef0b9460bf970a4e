#include <array>
#include <bitset>
#include <cstdint>

#include "extension/pg/args.hpp"
#include "extension/pg/entry.hpp"
#include "workers/core/call_times.hpp"
#include "workers/core/calling_hours.hpp"

namespace switchboard {

// _open_hours(hours jsonb) -> bigint[]
SB_SQL_FUNCTION(sb_open_hours) {
  const std::bitset<168> open = core::CallingHours::Parse(pg::ArgJson(fcinfo, 0)).OpenHours();
  std::array<std::int64_t, open.size()> numbers;
  for (std::size_t hour = 0; hour < open.size(); ++hour) {
    numbers[hour] = open[hour] ? 1 : 0;
  }
  return pg::ReturnBigintArray(numbers);
}

// _call_time_rates(tried bigint[], reached bigint[], usual_hours bigint[]) -> float8[]
SB_SQL_FUNCTION(sb_call_time_rates) {
  return pg::ReturnDoubleArray(core::CallTimeRates(
      pg::ArgBigintArray(fcinfo, 0), pg::ArgBigintArray(fcinfo, 1), pg::ArgBigintArray(fcinfo, 2)));
}

// _personal_rates(rates float8[], attempts bigint[]) -> float8[]
SB_SQL_FUNCTION(sb_personal_rates) {
  return pg::ReturnDoubleArray(
      core::PersonalRates(pg::ArgDoubleArray(fcinfo, 0), pg::ArgBigintArray(fcinfo, 1)));
}

// _best_call_window(rates float8[], hour_now int) -> int
SB_SQL_FUNCTION(sb_best_call_window) {
  return pg::ReturnOptInt(
      fcinfo, core::BestCallWindow(pg::ArgDoubleArray(fcinfo, 0), pg::ArgInt(fcinfo, 1)));
}

}  // namespace switchboard
