#include "test/doubles/carrier/carrier_call.hpp"

namespace switchboard::carrier {
namespace {

template <typename Entry>
std::vector<Entry*> NewestFirst(std::deque<Entry>& all,
                                const std::unordered_map<std::string, std::vector<Entry*>>& by_to,
                                const std::string& to) {
  std::vector<Entry*> found;
  if (to.empty()) {
    for (auto entry = all.rbegin(); entry != all.rend(); ++entry) found.push_back(&*entry);
  } else if (const auto entries = by_to.find(to); entries != by_to.end()) {
    found.assign(entries->second.rbegin(), entries->second.rend());
  }
  return found;
}

}  // namespace

Call& Ledger::AddCall(Call call) {
  call.index = calls_.size();
  Call& added = calls_.emplace_back(std::move(call));
  call_by_id_[added.id] = &added;
  calls_to_[added.to].push_back(&added);
  if (!added.reference.empty() && !call_references_.insert(added.reference).second) {
    ++duplicate_calls_;
  }
  return added;
}

Message& Ledger::AddMessage(Message message) {
  message.index = messages_.size();
  Message& added = messages_.emplace_back(std::move(message));
  message_by_id_[added.id] = &added;
  messages_to_[added.to].push_back(&added);
  if (!added.reference.empty() && !message_references_.insert(added.reference).second) {
    ++duplicate_messages_;
  }
  return added;
}

Call* Ledger::FindCall(const std::string& id) {
  const auto found = call_by_id_.find(id);
  return found == call_by_id_.end() ? nullptr : found->second;
}

Message* Ledger::FindMessage(const std::string& id) {
  const auto found = message_by_id_.find(id);
  return found == message_by_id_.end() ? nullptr : found->second;
}

std::size_t Ledger::TimesDialed(const std::string& to) const {
  const auto found = calls_to_.find(to);
  return found == calls_to_.end() ? 0 : found->second.size();
}

void Ledger::Clear() {
  for (Call& call : calls_) call.state = CallState::kEnded;
  for (Message& message : messages_) message.ended = true;
  std::deque<std::deque<Call>> calls = std::move(cleared_calls_);
  std::deque<std::deque<Message>> messages = std::move(cleared_messages_);
  calls.push_back(std::move(calls_));
  messages.push_back(std::move(messages_));
  *this = Ledger();
  cleared_calls_ = std::move(calls);
  cleared_messages_ = std::move(messages);
}

std::vector<Call*> Ledger::CallsTo(const std::string& to) {
  return NewestFirst(calls_, calls_to_, to);
}

std::vector<Message*> Ledger::MessagesTo(const std::string& to) {
  return NewestFirst(messages_, messages_to_, to);
}

}  // namespace switchboard::carrier
