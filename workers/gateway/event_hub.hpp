// The feed of one tenant as long as somebody listens: reads what is new, keeps the newest events
// and wakes its listeners.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "workers/gateway/event_database.hpp"
#include "workers/gateway/event_ring.hpp"

namespace switchboard::gateway {

// How many rows to ask for: fewer when they turn out to be large.
class PageSize {
 public:
  explicit PageSize(int most) : most_(most), rows_(most) {}

  int rows() const { return rows_; }
  // What was read, and how many bytes are of use at once.
  void Learn(std::size_t rows, std::size_t bytes, std::size_t enough_bytes);

 private:
  int most_;
  int rows_;
};

class EventListener {
 public:
  virtual ~EventListener() = default;
  // There may be something to send. May leave the hub.
  virtual void Wake() = 0;
};

class EventHub : public std::enable_shared_from_this<EventHub> {
 public:
  using Clock = std::chrono::steady_clock;

  EventHub(EventDatabase& database, std::string tenant, std::size_t max_bytes)
      : database_(&database), tenant_(std::move(tenant)), ring_(max_bytes) {}

  // Nothing is read any more and nobody woken.
  void Close() { database_ = nullptr; }

  const std::string& tenant() const { return tenant_; }
  const EventRing& ring() const { return ring_; }
  void LimitTo(std::size_t max_bytes) { ring_.LimitTo(max_bytes); }

  // Whether the place in the feed is known; listeners are woken when it is.
  bool started() const { return started_; }

  // Counts how often events were lost for everybody: listeners of an earlier count are behind.
  std::uint64_t gaps() const { return gaps_; }

  void Join(EventListener* listener);
  void Leave(EventListener* listener);
  std::size_t listeners() const { return listeners_.size(); }
  Clock::time_point left_at() const { return left_at_; }  // when the last listener left

  // The feed can be read up to this event.
  void OnNews(std::int64_t seq);

  // Reads anyway, `interval` after the last time at the earliest. Notifications may be
  // missing: where no worker runs, and while the connection was down.
  void Poll(Clock::duration interval);

  // A page of events after a position for one listener, up to the end of the ring; of a position
  // that lies beyond it, whatever there is.
  void ReadOld(std::int64_t after, int max_rows, std::function<void(FeedPage)> done);

 private:
  void Read();
  void OnPosition(std::optional<std::int64_t> position);
  void OnPage(FeedPage page);
  void WakeAll();

  EventDatabase* database_;
  std::string tenant_;
  EventRing ring_;
  bool started_ = false;
  bool reading_ = false;
  bool read_again_ = false;
  PageSize page_size_{500};
  std::uint64_t gaps_ = 0;
  Clock::time_point read_at_{};
  Clock::time_point left_at_ = Clock::now();
  std::unordered_set<EventListener*> listeners_;
};

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
