#pragma once
// The background worker's view of its child process.

#include "bgworker/transition_table.hpp"

namespace switchboard::bgworker {

enum class ChildState {
  kNone,       // no process; one is started when it is due
  kAwaited,    // a process exists, started or found, and has not connected
  kServed,     // connected
  kLost,       // its connection ended: it has died, or it is on its way back
  kCondemned,  // killed because it was given up; its end is awaited
  kCount
};

enum class ChildEvent {
  kStarted,      // a process was started, or one of an earlier life was found
  kStartFailed,  // no process could be started
  kConnected,
  kClosed,   // the connection ended
  kEnded,    // the process is gone
  kGivenUp,  // it did not connect or end in time, or does not keep to the protocol
  kCount
};

inline constexpr Transition<ChildState, ChildEvent> kChildRows[] = {
    // The usual way up. A start that fails is tried again after a delay that grows.
    {ChildState::kNone, ChildEvent::kStarted, ChildState::kAwaited},
    {ChildState::kNone, ChildEvent::kStartFailed, ChildState::kNone},
    {ChildState::kAwaited, ChildEvent::kConnected, ChildState::kServed},

    // A crash shows as the end of the connection first and as the end of the process a moment
    // later.
    {ChildState::kServed, ChildEvent::kClosed, ChildState::kLost},
    {ChildState::kLost, ChildEvent::kEnded, ChildState::kNone},
    {ChildState::kAwaited, ChildEvent::kEnded, ChildState::kNone},
    // The child gave the connection up and came back with another.
    {ChildState::kLost, ChildEvent::kConnected, ChildState::kServed},

    // Alive and mute: it may be stopped or hang. Nobody else could free its claims.
    {ChildState::kAwaited, ChildEvent::kGivenUp, ChildState::kCondemned},
    {ChildState::kLost, ChildEvent::kGivenUp, ChildState::kCondemned},
    // It was told to stop and takes longer than it was granted, or it talks nonsense.
    {ChildState::kServed, ChildEvent::kGivenUp, ChildState::kCondemned},
    {ChildState::kCondemned, ChildEvent::kEnded, ChildState::kNone},
};

inline constexpr TransitionTable kChildTable(kChildRows);
static_assert(kChildTable.IsWellFormed());

}  // namespace switchboard::bgworker
