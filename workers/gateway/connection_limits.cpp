#include "workers/gateway/connection_limits.hpp"

#include <utility>

namespace switchboard::gateway {
namespace {

// The machine itself: programs beside the gateway, and proxies nobody has declared.
bool IsThisMachine(const Address& address) {
  return address == Address(boost::asio::ip::address_v4::loopback()) ||
         address == Address(boost::asio::ip::address_v6::loopback());
}

}  // namespace

ConnectionSlot::ConnectionSlot(std::shared_ptr<ConnectionLimits> limits)
    : limits_(std::move(limits)) {
  ++limits_->connections_;
}

ConnectionSlot::ConnectionSlot(ConnectionSlot&& other) noexcept
    : limits_(std::move(other.limits_)),
      counted_for_(std::exchange(other.counted_for_, std::nullopt)),
      bytes_(std::exchange(other.bytes_, 0)) {}

ConnectionSlot::~ConnectionSlot() {
  if (!limits_) {
    return;
  }
  CountForNobody();
  limits_->bytes_ -= bytes_;
  if (--limits_->connections_ == 0 && limits_->when_empty_) {
    limits_->when_empty_();
  }
}

bool ConnectionSlot::CountFor(const Address& address) {
  const Address counted = CountedAddress(address);
  if (counted_for_ == counted) {
    return true;
  }
  CountForNobody();
  if (limits_->max_per_address_ == 0 || IsThisMachine(address)) {
    return true;
  }
  std::size_t& count = limits_->per_address_[counted];
  if (count >= limits_->max_per_address_) {
    return false;
  }
  ++count;
  counted_for_ = counted;
  return true;
}

void ConnectionSlot::CountForNobody() {
  if (!counted_for_) {
    return;
  }
  const auto count = limits_->per_address_.find(*counted_for_);
  if (--count->second == 0) {
    limits_->per_address_.erase(count);
  }
  counted_for_.reset();
}

bool ConnectionSlot::KeepBytes(std::size_t bytes) {
  limits_->bytes_ += bytes - std::exchange(bytes_, bytes);
  return limits_->bytes_ <= limits_->max_bytes_;
}

std::optional<ConnectionSlot> ConnectionLimits::Connect() {
  if (full()) {
    return std::nullopt;
  }
  return ConnectionSlot(shared_from_this());
}

}  // namespace switchboard::gateway
