#include "bgworker/launcher.hpp"

#include <algorithm>

#include "bgworker/child_files.hpp"
#include "extension/pg/settings.hpp"

namespace switchboard::bgworker {
namespace {

using namespace std::chrono_literals;

constexpr auto kFirstDelay = 1s;
constexpr auto kLongestDelay = 60s;
// One that ran so long was not broken from the start.
constexpr auto kHealthyLife = 60s;
// A reservation made by an earlier life of the launcher: nobody else would miss its process.
constexpr auto kLostReservation = 10s;

SlotEvent EventOf(pg::WorkerExit exit) {
  switch (exit) {
    case pg::WorkerExit::kNoExtension:
      return SlotEvent::kNoExtension;
    case pg::WorkerExit::kDrained:
    case pg::WorkerExit::kDetached:
      return SlotEvent::kLeft;
    case pg::WorkerExit::kUnexpected:
      break;
  }
  return SlotEvent::kFailed;
}

SlotState StateOf(pg::SlotPhase phase) {
  return phase == pg::SlotPhase::kReserved ? SlotState::kStarting : SlotState::kRunning;
}

}  // namespace

Launcher::Worker::Worker() : delay(kFirstDelay, kLongestDelay) {}

void Launcher::Apply(Worker& worker, SlotEvent event) {
  worker.state = kSlotTable.Next(worker.state, event);
}

void Launcher::Run() {
  pg::SignalLauncher(pg::kLauncherDatabases);
  while (!pg::ShutdownRequested()) {
    pg::StartRound();
    const bool reloaded = pg::ReloadedSettings();
    const bool changed = (pg::TakeLauncherSignals() & pg::kLauncherDatabases) != 0;
    if (reloaded || changed) {
      ReadWishes();
    }
    TakePokes();
    ObserveSlots();
    DropUnwanted();
    AddWanted();
    StartDue();
    pg::WaitForWork(-1, 0, TimeToWait());
  }
}

void Launcher::ReadWishes() {
  databases_ = pg::ReadDatabases();
  const DatabaseList list(pg::settings::Databases());
  wanted_.clear();
  for (const pg::DatabaseInfo& database : databases_) {
    if (database.workable && list.Contains(database.name)) {
      wanted_.emplace(database.id, database.name);
    }
  }
  WarnOfMissingDatabases(list);
  EndChildrenOfGoneDatabases();
}

void Launcher::WarnOfMissingDatabases(const DatabaseList& wanted) const {
  for (const std::string& name : wanted.names()) {
    if (std::none_of(databases_.begin(), databases_.end(),
                     [&name](const pg::DatabaseInfo& d) { return d.name == name; })) {
      pg::Log(pg::LogLevel::kInfo,
              "database \"" + name + "\" of \"switchboard.databases\" does not exist");
    }
  }
}

// When a database is dropped its worker leaves without stopping the child, which could still be
// needed if DROP DATABASE failed.
void Launcher::EndChildrenOfGoneDatabases() const {
  for (const ChildFiles& files : ListChildFiles()) {
    if (std::any_of(databases_.begin(), databases_.end(),
                    [&files](const pg::DatabaseInfo& d) { return d.id == files.database(); })) {
      continue;
    }
    files.EndChild();
  }
}

void Launcher::TakePokes() {
  for (const pg::DatabaseId database : pg::TakePokes()) {
    for (auto& [name, worker] : workers_) {
      if (database == pg::kAnyDatabase || database == name.first) {
        Poke(worker);
      }
    }
  }
}

void Launcher::Poke(Worker& worker) {
  Apply(worker, SlotEvent::kPoked);
  worker.delay.Reset();
  worker.due = {};
  worker.poked = true;
}

void Launcher::ObserveSlots() {
  serving_.clear();
  for (const pg::SlotView& slot : pg::ReadSlots()) {
    Observe(slot);
  }
}

// A slot that is not known was filled by an earlier life of the launcher.
void Launcher::Observe(const pg::SlotView& slot) {
  const auto [entry, is_new] = workers_.try_emplace({slot.database, slot.number});
  Worker& worker = entry->second;
  if (is_new) {
    worker.state = StateOf(slot.phase);
    worker.started = std::chrono::steady_clock::now();
  }
  worker.slot = slot.key;
  switch (slot.phase) {
    case pg::SlotPhase::kFree:
      return;
    case pg::SlotPhase::kReserved:
      return ObserveReserved(worker, slot);
    case pg::SlotPhase::kServing:
      serving_[slot.database] = true;
      [[fallthrough]];
    case pg::SlotPhase::kOccupied:
      if (worker.state != SlotState::kRunning) {
        Apply(worker, SlotEvent::kOccupied);
      }
      return;
    case pg::SlotPhase::kEnded:
      return ObserveEnded(worker, slot);
  }
}

void Launcher::ObserveReserved(Worker& worker, const pg::SlotView& slot) {
  const bool lost = worker.handle != nullptr
                        ? pg::WorkerHasEnded(worker.handle)
                        : std::chrono::steady_clock::now() - worker.started >= kLostReservation;
  // It may have taken its slot and ended since the slots were read: then the next look tells why.
  if (lost && pg::FreeReservation(slot.key)) {
    Ended(worker, SlotEvent::kFailed);
  }
}

void Launcher::ObserveEnded(Worker& worker, const pg::SlotView& slot) {
  pg::FreeEndedSlot(slot.key);
  Ended(worker, EventOf(slot.exit));
}

void Launcher::Ended(Worker& worker, SlotEvent event) {
  const auto now = std::chrono::steady_clock::now();
  Apply(worker, event);
  if (worker.handle != nullptr) {
    pg::ForgetWorker(worker.handle);
    worker.handle = nullptr;
  }
  worker.slot.reset();
  if (event != SlotEvent::kFailed || now - worker.started >= kHealthyLife) {
    worker.delay.Reset();
  }
  worker.due = event == SlotEvent::kFailed ? now + worker.delay.Next() : now;
  if (worker.state == SlotState::kQuiet && worker.poked) {
    Apply(worker, SlotEvent::kPoked);
  }
}

bool Launcher::IsWanted(const WorkerName& name) const {
  return name.second < pg::settings::Workers() && wanted_.contains(name.first);
}

// The first worker of a database finds out whether the extension is there; others follow it.
void Launcher::AddWanted() {
  for (const auto& [database, name] : wanted_) {
    const int count = serving_.contains(database) ? pg::settings::Workers()
                                                  : std::min(1, pg::settings::Workers());
    for (int number = 0; number < count; ++number) {
      workers_.try_emplace({database, number});
    }
  }
}

void Launcher::DropUnwanted() {
  for (auto& [name, worker] : workers_) {
    if (!IsWanted(name) &&
        (worker.state == SlotState::kStarting || worker.state == SlotState::kRunning)) {
      Apply(worker, SlotEvent::kUnwanted);
      pg::SignalSlot(*worker.slot, pg::kSignalDrain);
    }
  }
  std::erase_if(workers_, [this](const auto& entry) {
    const auto& [name, worker] = entry;
    const bool idle = worker.state == SlotState::kDue || worker.state == SlotState::kQuiet;
    return idle && !IsWanted(name);
  });
}

void Launcher::StartDue() {
  const auto now = std::chrono::steady_clock::now();
  for (auto& [name, worker] : workers_) {
    if (worker.state == SlotState::kDue && now >= worker.due && !pg::DatabaseIsHeld(name.first)) {
      Start(name, worker);
    }
  }
}

void Launcher::Start(const WorkerName& name, Worker& worker) {
  const auto& [database, number] = name;
  worker.poked = false;
  worker.slot = pg::ReserveSlot(database, number);
  if (worker.slot) {
    worker.handle = pg::StartWorker({*worker.slot, database, number}, wanted_.at(database));
  }
  if (worker.handle != nullptr) {
    worker.started = std::chrono::steady_clock::now();
    no_room_ = false;
    return Apply(worker, SlotEvent::kRegistered);
  }
  if (worker.slot) {
    pg::FreeReservation(*worker.slot);
    worker.slot.reset();
  }
  worker.due = std::chrono::steady_clock::now() + worker.delay.Next();
  Apply(worker, SlotEvent::kNoRoom);
  if (!no_room_) {
    no_room_ = true;
    pg::Log(pg::LogLevel::kWarning,
            "no background worker process left for database \"" + wanted_.at(database) + "\"",
            "Increase \"max_worker_processes\". It is tried again.");
  }
}

std::chrono::milliseconds Launcher::TimeToWait() const {
  const auto now = std::chrono::steady_clock::now();
  std::optional<Time> until;
  for (const auto& [name, worker] : workers_) {
    std::optional<Time> time;
    if (worker.state == SlotState::kDue && !pg::DatabaseIsHeld(name.first)) {
      time = worker.due;
    } else if (worker.state == SlotState::kStarting && worker.handle == nullptr) {
      time = worker.started + kLostReservation;
    }
    if (time && (!until || *time < *until)) {
      until = time;
    }
  }
  if (!until) {
    return -1ms;
  }
  return std::max(0ms, std::chrono::ceil<std::chrono::milliseconds>(*until - now));
}

}  // namespace switchboard::bgworker
