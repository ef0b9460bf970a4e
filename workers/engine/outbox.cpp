#include "workers/engine/outbox.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace switchboard::engine {

const std::vector<Finished>& Outbox::Take() {
  const auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), at_once_));
  taken_.assign(std::make_move_iterator(waiting_.begin()),
                std::make_move_iterator(waiting_.begin() + count));
  waiting_.erase(waiting_.begin(), waiting_.begin() + count);
  return taken_;
}

void Outbox::Confirm() {
  taken_.clear();
  at_once_ = std::min(at_once_ * 2, kMostAtOnce);
  failed_alone_ = 0;
}

void Outbox::PutBack() {
  waiting_.insert(waiting_.begin(), std::make_move_iterator(taken_.begin()),
                  std::make_move_iterator(taken_.end()));
  taken_.clear();
}

bool Outbox::Shrink(Finished* dropped) {
  if (waiting_.empty()) return false;
  const std::size_t tried = std::min(waiting_.size(), at_once_);
  if (tried > 1) {
    at_once_ = tried / 2;
    return false;
  }
  if (++failed_alone_ < kTriesAlone) return false;
  failed_alone_ = 0;
  *dropped = std::move(waiting_.front());
  waiting_.pop_front();
  return true;
}

}  // namespace switchboard::engine
