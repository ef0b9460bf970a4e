#include "workers/gateway/event_client.hpp"

#include <algorithm>
#include <utility>

namespace switchboard::gateway {
namespace {

constexpr std::chrono::seconds kHeartbeat{15};

}  // namespace

EventClient::EventClient(StreamRequest request, Setup setup, unsigned status)
    : request_(std::move(request)),
      viewer_(std::move(setup.viewer)),
      question_(std::move(setup.question)),
      hub_(std::move(setup.hub)),
      database_(setup.database),
      recheck_(setup.recheck),
      patience_(setup.patience),
      on_end_(std::move(setup.ended)),
      status_(status),
      busy_since_(Clock::now()),
      sent_at_(busy_since_),
      checked_at_(busy_since_) {}

EventClient::~EventClient() {
  hub_->Leave(this);
  if (on_end_) {
    on_end_(this);
  }
}

void EventClient::Start() {
  hub_->Join(this);
  Open();
}

void EventClient::WriteLog() {
  if (const auto log = std::exchange(request_.log, nullptr)) {
    log(status_, bytes_);
  }
}

void EventClient::Detach() {
  WriteLog();
  hub_->Leave(this);
  ended_ = true;
  database_ = nullptr;
  on_end_ = nullptr;
}

void EventClient::End(Ending ending) {
  if (std::exchange(ended_, true)) {
    return;
  }
  const auto self = shared_from_this();
  hub_->Leave(this);
  Close(ending);
  WriteLog();
  if (const auto tell = std::exchange(on_end_, nullptr)) {
    tell(this);
  }
}

bool EventClient::MayTake(const EventFrame& frame) const {
  return MaySee(viewer_, frame) && IsAskedFor(question_.names, frame);
}

bool EventClient::IsExpired() const {
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  return viewer_.expires_at && now.count() >= *viewer_.expires_at;
}

void EventClient::OnOpened() {
  open_ = true;
  sent_at_ = Clock::now();
  Wake();
}

void EventClient::OnSent(std::size_t bytes) {
  bytes_ += bytes;
  sending_ = false;
  batch_ = {};
  sent_at_ = Clock::now();
  Wake();
}

void EventClient::Wake() {
  if (!ready()) {
    return;
  }
  if (IsExpired()) {
    return End(Ending::kRefused);
  }
  if (!placed_) {
    return TakePlace();
  }
  if (gaps_ != hub_->gaps()) {
    gaps_ = hub_->gaps();
    return TellOfGap(hub_->ring().begin());
  }
  if (unsure_ || position_ < hub_->ring().begin()) {
    return LoadOld();
  }
  Send(hub_->ring().After(position_, [this](const EventFrame& frame) { return MayTake(frame); }));
}

void EventClient::TakePlace() {
  placed_ = true;
  gaps_ = hub_->gaps();
  const std::int64_t now = hub_->ring().end();
  position_ = question_.after.value_or(now);
  // Another gateway may have read further than this one; or it is of another database.
  unsure_ = position_ > now;
  BeginSending();
  SendGreeting();
}

// Events are missing: they have to look at everything anew, and go on from here.
void EventClient::TellOfGap(std::int64_t position) {
  EventBatch batch;
  batch.position = position;
  batch.Add(std::make_shared<const EventFrame>(
      EventFrame::Notice("reset", position, R"({"reason":"events are missing"})")));
  Send(std::move(batch));
}

void EventClient::LoadOld() {
  loading_ = true;
  const std::int64_t upto = hub_->ring().end();
  hub_->ReadOld(position_, page_size_.rows(), [weak = weak_from_this(), upto](FeedPage page) {
    if (const auto self = weak.lock()) {
      self->OnOld(std::move(page), upto);
    }
  });
}

// `upto`: a page that is not full holds all events up to here.
void EventClient::OnOld(FeedPage page, std::int64_t upto) {
  loading_ = false;
  if (ended_ || !page.ok) {
    return;  // Tick tries again
  }
  unsure_ = false;
  page_size_.Learn(page.frames.size(), page.bytes, kBatchBytes);
  if (page.gap) {
    return TellOfGap(hub_->ring().end());
  }
  EventBatch batch;
  batch.position = position_;
  bool complete = !page.full;
  for (const FramePointer& frame : page.frames) {
    if (MayTake(*frame) && !batch.Add(frame)) {
      complete = false;  // the rest is read again
      break;
    }
    batch.position = frame->seq();
  }
  if (complete) {
    batch.position = std::max(batch.position, upto);
  }
  Send(std::move(batch));
  Wake();
}

void EventClient::BeginSending() {
  sending_ = true;
  busy_since_ = Clock::now();
}

void EventClient::Send(EventBatch batch) {
  position_ = batch.position;
  if (batch.frames.empty()) {
    return;
  }
  BeginSending();
  batch_ = std::move(batch);
  SendBatch();
}

void EventClient::Tick(Clock::time_point now) {
  if (ended_) {
    return;
  }
  if ((sending_ || !open_) && now - busy_since_ > patience_) {
    return End(Ending::kGone);
  }
  if (IsExpired()) {
    return End(Ending::kRefused);
  }
  if (open_ && !sending_ && now - sent_at_ >= kHeartbeat) {
    BeginSending();
    return SendHeartbeat();
  }
  Wake();
}

bool EventClient::Recheck(Clock::time_point now) {
  if (ended_ || database_ == nullptr || now - checked_at_ < recheck_) {
    return false;
  }
  checked_at_ = now;
  database_->Identify(request_.call.headers_json, request_.call.query_json,
                      [weak = weak_from_this()](const IdentityAnswer& answer) {
                        if (const auto self = weak.lock()) {
                          self->OnIdentity(answer);
                        }
                      });
  return true;
}

void EventClient::OnIdentity(const IdentityAnswer& answer) {
  if (answer.kind == IdentityAnswer::Kind::kUnavailable) {
    return;
  }
  if (answer.kind == IdentityAnswer::Kind::kRefused ||
      answer.viewer.tenant_id != viewer_.tenant_id || answer.viewer.user_id != viewer_.user_id) {
    return End(Ending::kRefused);
  }
  viewer_ = answer.viewer;
}

}  // namespace switchboard::gateway
