#pragma once
// State machines as tables: every transition is a row that says when and why. A table is checked
// when it is compiled; what it does not list cannot happen and is reported as a defect.

#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace switchboard::bgworker {

template <class State, class Event>
struct Transition {
  State from;
  Event on;
  State to;
};

// `State` and `Event` are enums that count from 0 and end with kCount.
template <class State, class Event, std::size_t N>
class TransitionTable {
 public:
  static constexpr std::size_t kStates = static_cast<std::size_t>(State::kCount);

  constexpr explicit TransitionTable(const Transition<State, Event> (&rows)[N]) {
    for (std::size_t i = 0; i < N; ++i) {
      rows_[i] = rows[i];
    }
  }

  // No state has two rows for one event, every state can be left and can be reached from the first.
  constexpr bool IsWellFormed() const { return IsDeterministic() && IsConnected(); }

  State Next(State from, Event on) const {
    for (const auto& row : rows_) {
      if (row.from == from && row.on == on) {
        return row.to;
      }
    }
    throw std::logic_error("no transition from state " + std::to_string(static_cast<int>(from)) +
                           " on event " + std::to_string(static_cast<int>(on)));
  }

 private:
  constexpr bool IsDeterministic() const {
    for (std::size_t i = 0; i < N; ++i) {
      for (std::size_t j = i + 1; j < N; ++j) {
        if (rows_[i].from == rows_[j].from && rows_[i].on == rows_[j].on) {
          return false;
        }
      }
    }
    return true;
  }

  constexpr bool IsConnected() const {
    std::array<bool, kStates> reached{};
    std::array<bool, kStates> left{};
    reached[0] = true;
    // As many passes as there are states carry the mark along the longest path.
    for (std::size_t pass = 0; pass < kStates; ++pass) {
      for (const auto& row : rows_) {
        const auto from = static_cast<std::size_t>(row.from);
        const auto to = static_cast<std::size_t>(row.to);
        reached[to] = reached[to] || reached[from];
        left[from] = left[from] || from != to;
      }
    }
    for (std::size_t state = 0; state < kStates; ++state) {
      if (!reached[state] || !left[state]) {
        return false;
      }
    }
    return true;
  }

  std::array<Transition<State, Event>, N> rows_{};
};

}  // namespace switchboard::bgworker
