#include "workers/http/egress_guard.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "workers/core/errors.hpp"

namespace switchboard::http {
namespace {

constexpr int kAddressBits = 128;
constexpr int kMappedBits = 96;  // the prefix ::ffff:0:0/96 in front of an IPv4 address
constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct Range {
  std::array<std::uint8_t, 16> prefix;
  int bits;
};

// IPv4 that is not on the public internet (IANA special-purpose registry), multicast and reserved.
constexpr Range kPrivateV4[] = {
    {{0}, 8},
    {{10}, 8},
    {{100, 64}, 10},
    {{127}, 8},
    {{169, 254}, 16},
    {{172, 16}, 12},
    {{192, 0, 0}, 24},
    {{192, 0, 2}, 24},
    {{192, 88, 99}, 24},
    {{192, 168}, 16},
    {{198, 18}, 15},
    {{198, 51, 100}, 24},
    {{203, 0, 113}, 24},
    {{224}, 4},
    {{240}, 4},
};
// Of IPv6 only 2000::/3 is public; in it these are not, or hide an IPv4 address.
constexpr Range kPublicV6 = {{0x20}, 3};
constexpr Range kPrivateV6[] = {
    {{0x20, 0x01}, 23},              // protocol assignments, Teredo among them
    {{0x20, 0x01, 0x0d, 0xb8}, 32},  // documentation
    {{0x20, 0x02}, 16},              // 6to4
    {{0x3f, 0xff}, 20},              // documentation
};

bool SamePrefix(const std::uint8_t* a, const std::uint8_t* b, int bits) noexcept {
  const int bytes = bits / 8;
  if (std::memcmp(a, b, static_cast<std::size_t>(bytes)) != 0) return false;
  const int rest = bits % 8;
  if (rest == 0) return true;
  const int mask = 0xff << (8 - rest);
  return ((a[bytes] ^ b[bytes]) & mask) == 0;
}

bool IsMapped(const AddressBytes& address) noexcept {
  return std::memcmp(address.data(), kMappedPrefix.data(), kMappedPrefix.size()) == 0;
}

bool IsPublic(const AddressBytes& address) noexcept {
  const auto holds = [](const std::uint8_t* bytes) {
    return
        [bytes](const Range& range) { return SamePrefix(range.prefix.data(), bytes, range.bits); };
  };
  if (IsMapped(address)) {
    return std::ranges::none_of(kPrivateV4, holds(address.data() + kMappedPrefix.size()));
  }
  return holds(address.data())(kPublicV6) &&
         std::ranges::none_of(kPrivateV6, holds(address.data()));
}

AddressBytes Mapped(const void* v4) noexcept {
  AddressBytes bytes{};
  std::memcpy(bytes.data(), kMappedPrefix.data(), kMappedPrefix.size());
  std::memcpy(bytes.data() + kMappedPrefix.size(), v4, 4);
  return bytes;
}

}  // namespace

bool EgressGuard::Network::Holds(const AddressBytes& other) const noexcept {
  return SamePrefix(address.data(), other.data(), bits);
}

AddressBytes EgressGuard::ParseAddress(std::string_view text) {
  const std::string copy(text);
  in_addr v4{};
  if (inet_pton(AF_INET, copy.c_str(), &v4) == 1) return Mapped(&v4);
  AddressBytes bytes{};
  if (inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) return bytes;
  throw core::BadArgument("bad network address: " + core::Quoted(text));
}

EgressGuard::Network EgressGuard::ParseNetwork(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view address = text.substr(0, slash);
  Network network{ParseAddress(address), kAddressBits};
  if (slash == text.npos) return network;
  const std::string_view digits = text.substr(slash + 1);
  const int first = address.find(':') == address.npos ? kMappedBits : 0;
  int bits = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc() || end != digits.data() + digits.size() || bits < 0 ||
      first + bits > kAddressBits) {
    throw core::BadArgument("bad network: " + core::Quoted(text),
                            "Write it like 10.0.0.0/8 or fd00::/8.");
  }
  network.bits = first + bits;
  return network;
}

EgressGuard::EgressGuard(const std::vector<std::string>& allow) {
  for (const std::string& text : allow) allowed_.push_back(ParseNetwork(text));
}

bool EgressGuard::Allows(const AddressBytes& address) const noexcept {
  return IsPublic(address) || std::ranges::any_of(allowed_, [&address](const Network& network) {
           return network.Holds(address);
         });
}

bool EgressGuard::Allows(const sockaddr& address) const noexcept {
  if (address.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return Allows(Mapped(&v4.sin_addr));
  }
  if (address.sa_family == AF_INET6) {
    AddressBytes bytes{};
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr,
                bytes.size());
    return Allows(bytes);
  }
  return false;
}

}  // namespace switchboard::http
