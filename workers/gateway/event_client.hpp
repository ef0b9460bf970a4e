// One listener: what they are sent next, however it travels.
//
// A listener has a place in the feed and no queue of their own. One who keeps up is served from the
// events that the hub holds for all; one who fell behind these reads pages of old events at their
// own pace; one who takes nothing for a while is cut off, and resumes after the last event they
// saw. So a slow listener costs a batch of memory, however much happens meanwhile.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "workers/gateway/event_database.hpp"
#include "workers/gateway/event_frame.hpp"
#include "workers/gateway/event_hub.hpp"
#include "workers/gateway/event_request.hpp"
#include "workers/gateway/event_ring.hpp"
#include "workers/gateway/stream_hook.hpp"

namespace switchboard::gateway {

class EventClient : public EventListener, public std::enable_shared_from_this<EventClient> {
 public:
  using Clock = std::chrono::steady_clock;

  struct Setup {
    Viewer viewer;
    EventQuestion question;
    std::shared_ptr<EventHub> hub;
    EventDatabase* database = nullptr;
    std::chrono::seconds recheck{};   // how often to ask again who they are
    std::chrono::seconds patience{};  // for one batch to be taken
    // Called once, when the client has ended; not from inside Start.
    std::function<void(EventClient*)> ended;
  };
  enum class Ending {
    kGone,       // they hung up, or take nothing
    kRefused,    // their credentials are no longer good
    kGoingAway,  // the gateway stops
  };

  ~EventClient() override;

  // Answers the request and begins to send.
  void Start();
  void Wake() override;
  // Once a second.
  void Tick(Clock::time_point now);
  // Asks again who they are: keys are revoked and roles change. Whether it was time to.
  bool Recheck(Clock::time_point now);
  void End(Ending ending);
  // The owner is gone: only what is under way finishes.
  void Detach();

 protected:
  // `status`: of HTTP, for the log.
  EventClient(StreamRequest request, Setup setup, unsigned status);

  // Each is answered by OnOpened, OnSent or, when it fails, End(kGone).
  virtual void Open() = 0;
  virtual void SendGreeting() = 0;   // says their place
  virtual void SendBatch() = 0;      // what is in batch()
  virtual void SendHeartbeat() = 0;  // after a time without anything else
  virtual void Close(Ending ending) = 0;

  void OnOpened();
  void OnSent(std::size_t bytes);

  const EventBatch& batch() const { return batch_; }
  std::int64_t position() const { return position_; }
  StreamRequest& request() { return request_; }

 private:
  bool MayTake(const EventFrame& frame) const;
  bool ready() const { return open_ && !ended_ && !sending_ && !loading_ && hub_->started(); }
  bool IsExpired() const;
  void WriteLog();
  void TakePlace();
  void TellOfGap(std::int64_t position);
  void LoadOld();
  void OnOld(FeedPage page, std::int64_t upto);
  void BeginSending();
  void Send(EventBatch batch);
  void OnIdentity(const IdentityAnswer& answer);

  StreamRequest request_;
  Viewer viewer_;
  EventQuestion question_;
  std::shared_ptr<EventHub> hub_;
  EventDatabase* database_;
  std::chrono::seconds recheck_;
  std::chrono::seconds patience_;
  std::function<void(EventClient*)> on_end_;
  PageSize page_size_{100};
  EventBatch batch_;
  std::int64_t position_ = 0;  // all before and at it was sent, or is on its way
  std::uint64_t gaps_ = 0;
  unsigned status_;
  std::uint64_t bytes_ = 0;
  Clock::time_point busy_since_;
  Clock::time_point sent_at_;
  Clock::time_point checked_at_;
  bool open_ = false;
  bool placed_ = false;
  bool unsure_ = false;  // whether the position asked for exists
  bool sending_ = false;
  bool loading_ = false;
  bool ended_ = false;
};

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
