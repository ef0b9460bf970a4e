#pragma once
// Who is asking: the peer of the connection or, behind a proxy that is trusted, whom it names.

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace switchboard::gateway {

using Address = boost::asio::ip::address;

// An address, or a range in CIDR notation.
struct AddressRange {
  Address network;
  unsigned prefix_bits = 0;

  bool Contains(const Address& address) const;
};

// "10.0.0.0/8", "2001:db8::/32", "192.0.2.7"; nothing for anything else, such as bits set behind
// the prefix.
std::optional<AddressRange> ParseAddressRange(std::string_view text);

// What proxies wrote, each the list of all headers of that name, joined by commas.
struct ForwardedHeaders {
  std::string_view addresses;  // X-Forwarded-For
  std::string_view proto;      // X-Forwarded-Proto
  std::string_view host;       // X-Forwarded-Host
};

struct Client {
  Address address;
  std::string proto;  // "http", "https", or empty when no trusted proxy said so
  std::string host;   // empty likewise
  bool proxied = false;
};

// The client behind `peer`. Only what trusted proxies wrote counts: the list is read from the
// right, and the first address that is not a trusted proxy is the client, whatever stands left of
// it.
Client FindClient(const Address& peer, const std::vector<AddressRange>& trusted_proxies,
                  const ForwardedHeaders& headers);

// IPv4 in IPv6 as IPv4, without a scope.
Address PlainAddress(const Address& address);

// What one client can have many of: the whole address of IPv4, the /64 of IPv6.
Address CountedAddress(const Address& address);

// For logs: 203.0.113.0/24, 2001:db8:1::/48.
std::string MaskedAddress(const Address& address);

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
