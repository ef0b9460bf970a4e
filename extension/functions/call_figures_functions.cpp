#include <cstring>
#include <map>
#include <random>

#include "extension/pg/call_changes.hpp"
#include "extension/pg/entry.hpp"

namespace switchboard {
namespace {

constexpr std::int64_t kQuarter = 15LL * 60 * 1000000;       // microseconds
constexpr std::int64_t kEndOf2099 = 36525LL * 96 * kQuarter;  // since 2000
// A larger statement appends several rows for one cell.
constexpr std::size_t kMostCells = 65536;
// On average one fold for so many rows; each takes up to twice as many, so they go faster than they
// come.
constexpr std::uint64_t kFoldEvery = 4096;

// What rows of one cell have in common.
struct SameCell {
  static int Compare(const pg::CallDelta& a, const pg::CallDelta& b) {
    for (const int order : {std::memcmp(&a.of.campaign, &b.of.campaign, sizeof(a.of.campaign)),
                            std::memcmp(&a.of.user, &b.of.user, sizeof(a.of.user)),
                            std::memcmp(&a.of.tenant, &b.of.tenant, sizeof(a.of.tenant))}) {
      if (order != 0) {
        return order;
      }
    }
    return 0;
  }
  bool operator()(const pg::CallDelta& a, const pg::CallDelta& b) const {
    if (a.quarter != b.quarter) {
      return a.quarter < b.quarter;
    }
    if (a.of.status != b.of.status) {
      return a.of.status < b.of.status;
    }
    return Compare(a, b) < 0;
  }
};

using Cells = std::map<pg::CallDelta, pg::CallDelta, SameCell>;

void Count(const pg::CallFacts& call, int sign, Cells* cells) {
  if (call.started_at < 0 || call.started_at >= kEndOf2099) {
    return;  // readers count these themselves
  }
  pg::CallDelta cell{.of = call, .quarter = call.started_at - call.started_at % kQuarter};
  pg::CallDelta& sum = cells->try_emplace(cell, cell).first->second;
  sum.calls += sign;
  sum.answered += call.answered ? sign : 0;
  sum.live += call.live ? sign : 0;
  sum.abandoned += call.live && call.abandoned ? sign : 0;
  sum.seconds += std::int64_t{sign} * call.duration;
  sum.answered_seconds += call.answered ? std::int64_t{sign} * call.duration : 0;
}

bool IsNothing(const pg::CallDelta& delta) {
  return (delta.calls | delta.answered | delta.live | delta.abandoned | delta.seconds |
          delta.answered_seconds) == 0;
}

// Appends what the cells hold and empties them; returns the number of rows.
std::uint64_t Append(FunctionCallInfo fcinfo, Cells* cells) {
  std::uint64_t rows = 0;
  pg::CallDeltaTable table(fcinfo);
  for (const auto& [cell, sum] : *cells) {
    if (!IsNothing(sum)) {
      table.Append(sum);
      ++rows;
    }
  }
  table.Close();
  cells->clear();
  return rows;
}

bool TimeToFold(std::uint64_t rows) {
  static std::minstd_rand random{std::random_device{}()};
  return random() % kFoldEvery < rows;
}

}  // namespace

// _note_calls() -> trigger
SB_SQL_FUNCTION(sb_note_calls) {
  pg::CallChanges changes(fcinfo);
  pg::CallFacts call;
  int sign = 0;
  Cells cells;
  std::uint64_t rows = 0;
  while (changes.Next(&call, &sign)) {
    Count(call, sign, &cells);
    if (cells.size() >= kMostCells) {
      rows += Append(fcinfo, &cells);
    }
  }
  if (!cells.empty()) {
    rows += Append(fcinfo, &cells);
  }
  if (rows > 0 && TimeToFold(rows)) {
    pg::FoldCallDeltas(fcinfo);
  }
  return pg::ReturnVoid();
}

}  // namespace switchboard
