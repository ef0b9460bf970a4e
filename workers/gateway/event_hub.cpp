#include "workers/gateway/event_hub.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace switchboard::gateway {
namespace {

constexpr std::size_t kPageBytes = 1024 * 1024;

}  // namespace

void PageSize::Learn(std::size_t rows, std::size_t bytes, std::size_t enough_bytes) {
  if (rows == 0) {
    return;
  }
  const std::size_t fitting = enough_bytes / (bytes / rows + 1) + 1;
  rows_ = static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(most_), fitting));
}

void EventHub::Join(EventListener* listener) {
  listeners_.insert(listener);
  if (!started_ && !reading_) {
    Read();
  }
}

void EventHub::Leave(EventListener* listener) {
  if (listeners_.erase(listener) > 0 && listeners_.empty()) {
    left_at_ = Clock::now();
  }
}

void EventHub::OnNews(std::int64_t seq) {
  if (seq > ring_.end()) {
    Read();
  }
}

void EventHub::Poll(Clock::duration interval) {
  if (!reading_ && Clock::now() - read_at_ >= interval) {
    Read();
  }
}

void EventHub::Read() {
  if (database_ == nullptr) {
    return;
  }
  if (reading_) {
    read_again_ = true;
    return;
  }
  reading_ = true;
  read_again_ = false;
  read_at_ = Clock::now();
  if (!started_) {
    return database_->ReadPosition(
        tenant_, [self = shared_from_this()](const auto& position) { self->OnPosition(position); });
  }
  // Not up to the number that was announced: anybody in the database can notify.
  database_->ReadPage(
      EventDatabase::Lane::kLive, tenant_, ring_.end(), std::nullopt, page_size_.rows(),
      [self = shared_from_this()](FeedPage page) { self->OnPage(std::move(page)); });
}

void EventHub::OnPosition(std::optional<std::int64_t> position) {
  reading_ = false;
  if (!position || database_ == nullptr) {
    return;  // Poll tries again
  }
  started_ = true;
  ring_.Restart(*position);
  WakeAll();
}

void EventHub::OnPage(FeedPage page) {
  reading_ = false;
  if (!page.ok || database_ == nullptr) {
    return;  // Poll tries again
  }
  if (page.gap) {
    ++gaps_;
    ring_.Restart(*page.gap);
  }
  page_size_.Learn(page.frames.size(), page.bytes, kPageBytes);
  const bool news = page.gap || !page.frames.empty();
  for (FramePointer& frame : page.frames) {
    ring_.Append(std::move(frame));
  }
  if (news) {
    WakeAll();
  }
  if (page.full || read_again_) {
    Read();
  }
}

void EventHub::WakeAll() {
  const std::vector<EventListener*> woken(listeners_.begin(), listeners_.end());
  for (EventListener* listener : woken) {
    if (listeners_.contains(listener)) {
      listener->Wake();
    }
  }
}

void EventHub::ReadOld(std::int64_t after, int max_rows, std::function<void(FeedPage)> done) {
  if (database_ == nullptr) {
    return;
  }
  std::optional<std::int64_t> upto;
  if (after <= ring_.end()) {
    upto = ring_.end();
  }
  database_->ReadPage(EventDatabase::Lane::kOther, tenant_, after, upto, max_rows, std::move(done));
}

}  // namespace switchboard::gateway
