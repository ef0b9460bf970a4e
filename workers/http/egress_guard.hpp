#pragma once
// Which addresses the worker may connect to. Asked with the address itself, after the name was
// resolved and right before connecting, so that no name and no second look-up can get around it.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct sockaddr;

namespace switchboard::http {

// An IPv6 address; IPv4 addresses in their mapped form ::ffff:a.b.c.d.
using AddressBytes = std::array<std::uint8_t, 16>;

class EgressGuard {
 public:
  // Only addresses of the public internet.
  EgressGuard() = default;
  // And those in `allow`: networks in CIDR notation or single addresses, IPv4 or IPv6. Throws
  // core::Error (22023) naming the first that is neither.
  explicit EgressGuard(const std::vector<std::string>& allow);

  bool Allows(const sockaddr& address) const noexcept;
  bool Allows(const AddressBytes& address) const noexcept;

  // The address of a text like "10.0.0.1" or "::1"; throws core::Error (22023).
  static AddressBytes ParseAddress(std::string_view text);

 private:
  struct Network {
    AddressBytes address{};
    int bits = 0;
    bool Holds(const AddressBytes& other) const noexcept;
  };
  static Network ParseNetwork(std::string_view text);

  std::vector<Network> allowed_;
};

}  // namespace switchboard::http

#include "workers/core/no_server_header.hpp"
