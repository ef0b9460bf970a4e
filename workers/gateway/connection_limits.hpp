#pragma once
// What connections hold against the bounds of the gateway: their number, their number for one
// address, and the bytes of bodies in memory.

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "workers/gateway/client_address.hpp"

namespace switchboard::gateway {

class ConnectionLimits;

// One connection's share. Given back when it is destroyed; may outlive the server.
class ConnectionSlot {
 public:
  ConnectionSlot(ConnectionSlot&& other) noexcept;
  ConnectionSlot& operator=(ConnectionSlot&&) = delete;
  ~ConnectionSlot();

  // Counts the connection for this address, false when it has too many already. A connection
  // counts for one address at a time: on one from a proxy that changes with each request.
  bool CountFor(const Address& address);
  void CountForNobody();

  // The bytes the connection keeps in memory now; false when all connections together hold too
  // many.
  bool KeepBytes(std::size_t bytes);

 private:
  friend class ConnectionLimits;
  explicit ConnectionSlot(std::shared_ptr<ConnectionLimits> limits);

  std::shared_ptr<ConnectionLimits> limits_;
  std::optional<Address> counted_for_;
  std::size_t bytes_ = 0;
};

class ConnectionLimits : public std::enable_shared_from_this<ConnectionLimits> {
 public:
  // 0 for per_address: no bound.
  ConnectionLimits(std::size_t connections, std::size_t per_address, std::size_t bytes)
      : max_connections_(connections), max_per_address_(per_address), max_bytes_(bytes) {}

  // Nothing when there are as many connections as may be.
  std::optional<ConnectionSlot> Connect();

  bool full() const { return connections_ >= max_connections_; }
  std::size_t connections() const { return connections_; }

  // Called whenever the last connection ends.
  void WhenEmpty(std::function<void()> then) { when_empty_ = std::move(then); }

 private:
  friend class ConnectionSlot;

  std::size_t max_connections_;
  std::size_t max_per_address_;
  std::size_t max_bytes_;
  std::size_t connections_ = 0;
  std::size_t bytes_ = 0;
  std::map<Address, std::size_t> per_address_;
  std::function<void()> when_empty_;
};

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
