#pragma once
// Results on their way into the queue. A result stays here until a turn that carried it was
// answered: a turn whose reply was lost may have been committed, so its results are sent again, and
// the queue recognises those it has by their token.

#include <cstddef>
#include <deque>
#include <vector>

#include "workers/engine/job.hpp"

namespace switchboard::engine {

class Outbox {
 public:
  void Add(Finished finished) { waiting_.push_back(std::move(finished)); }

  // Starts a turn with what waits, oldest first.
  const std::vector<Finished>& Take();
  // The turn was committed.
  void Confirm();
  // The turn failed, or nobody knows: its results wait again, before all others.
  void PutBack();
  // The queue refuses the turn again and again: try with fewer results to find the one that is
  // refused. True when that one was found and given up; `dropped` then holds it.
  bool Shrink(Finished* dropped);

  bool empty() const { return waiting_.empty(); }
  std::size_t waiting() const { return waiting_.size(); }
  // Including those of the turn under way.
  std::size_t size() const { return waiting_.size() + taken_.size(); }

  template <class F>
  void ForEach(F&& f) const {
    for (const Finished& finished : taken_) f(finished);
    for (const Finished& finished : waiting_) f(finished);
  }

 private:
  static constexpr std::size_t kMostAtOnce = 1000;
  static constexpr int kTriesAlone = 3;

  std::deque<Finished> waiting_;
  std::vector<Finished> taken_;
  std::size_t at_once_ = kMostAtOnce;
  int failed_alone_ = 0;
};

}  // namespace switchboard::engine

#include "workers/core/no_server_header.hpp"
