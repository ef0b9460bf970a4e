#pragma once
// The launcher's view of one worker it wants: number `n` of database `d`.

#include "bgworker/transition_table.hpp"

namespace switchboard::bgworker {

enum class SlotState {
  kDue,       // is to be started, at once or when its delay is over
  kStarting,  // the postmaster was asked for a process
  kRunning,   // the process took its slot
  kStopping,  // was asked to drain
  kQuiet,     // the database has no extension: nothing to do until it is poked
  kCount
};

enum class SlotEvent {
  kRegistered,   // the postmaster took the request
  kNoRoom,       // max_worker_processes are running
  kOccupied,     // the process took its slot
  kUnwanted,     // settings or pg_database no longer ask for it
  kPoked,        // the extension may have appeared
  kNoExtension,  // ended: found nothing to do
  kLeft,         // ended: drained, or detached for a statement that needs the database
  kFailed,       // ended without a word, or never started
  kCount
};

inline constexpr Transition<SlotState, SlotEvent> kSlotRows[] = {
    // The usual way up.
    {SlotState::kDue, SlotEvent::kRegistered, SlotState::kStarting},
    {SlotState::kStarting, SlotEvent::kOccupied, SlotState::kRunning},

    // Full house: try again after a delay that grows.
    {SlotState::kDue, SlotEvent::kNoRoom, SlotState::kDue},
    // Start now, whatever the delay was.
    {SlotState::kDue, SlotEvent::kPoked, SlotState::kDue},

    // Most databases have no extension. They cost one short-lived process, then nothing.
    {SlotState::kStarting, SlotEvent::kNoExtension, SlotState::kQuiet},
    {SlotState::kRunning, SlotEvent::kNoExtension, SlotState::kQuiet},
    {SlotState::kQuiet, SlotEvent::kPoked, SlotState::kDue},
    // CREATE EXTENSION committed while the probe was already looking: it may have looked too early.
    {SlotState::kStarting, SlotEvent::kPoked, SlotState::kStarting},
    {SlotState::kRunning, SlotEvent::kPoked, SlotState::kRunning},

    // Someone else told it to go (pg_terminate_backend), or a statement held the database: it is
    // still wanted.
    {SlotState::kStarting, SlotEvent::kLeft, SlotState::kDue},
    {SlotState::kRunning, SlotEvent::kLeft, SlotState::kDue},

    // It failed: again, after a delay that grows.
    {SlotState::kStarting, SlotEvent::kFailed, SlotState::kDue},
    {SlotState::kRunning, SlotEvent::kFailed, SlotState::kDue},

    // The wish is gone. A process is asked to drain; one that is only starting finds the wish in
    // its
    // slot. Then it is decided afresh, from kDue, whether it is wanted.
    {SlotState::kStarting, SlotEvent::kUnwanted, SlotState::kStopping},
    {SlotState::kRunning, SlotEvent::kUnwanted, SlotState::kStopping},
    {SlotState::kStopping, SlotEvent::kOccupied, SlotState::kStopping},
    {SlotState::kStopping, SlotEvent::kUnwanted, SlotState::kStopping},
    {SlotState::kStopping, SlotEvent::kPoked, SlotState::kStopping},
    {SlotState::kStopping, SlotEvent::kLeft, SlotState::kDue},
    {SlotState::kStopping, SlotEvent::kFailed, SlotState::kDue},
    {SlotState::kStopping, SlotEvent::kNoExtension, SlotState::kQuiet},
};

inline constexpr TransitionTable kSlotTable(kSlotRows);
static_assert(kSlotTable.IsWellFormed());

}  // namespace switchboard::bgworker
