#include "workers/gateway/client_address.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace switchboard::gateway {
namespace {

using boost::asio::ip::address_v4;
using boost::asio::ip::address_v6;

// Keeps the first `bits` bits.
template <class Bytes>
Bytes MaskBytes(Bytes bytes, unsigned bits) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const unsigned kept = std::clamp<int>(static_cast<int>(bits) - static_cast<int>(i * 8), 0, 8);
    bytes[i] = static_cast<unsigned char>(bytes[i] & (0xFF00u >> kept));
  }
  return bytes;
}

Address Mask(const Address& address, unsigned bits) {
  if (address.is_v4()) {
    return address_v4(MaskBytes(address.to_v4().to_bytes(), bits));
  }
  return address_v6(MaskBytes(address.to_v6().to_bytes(), bits));
}

std::optional<Address> ParseAddress(std::string_view text) {
  boost::system::error_code error;
  const Address address = boost::asio::ip::make_address(std::string(text), error);
  if (error) {
    return std::nullopt;
  }
  return PlainAddress(address);
}

std::string_view Trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Takes the last element off a list with commas.
std::string_view TakeLast(std::string_view* list) {
  const std::size_t comma = list->rfind(',');
  const bool only = comma == std::string_view::npos;
  const std::string_view last = only ? *list : list->substr(comma + 1);
  *list = only ? std::string_view() : list->substr(0, comma);
  return Trim(last);
}

// An element of X-Forwarded-For: an address, with some proxies followed by its port.
std::optional<Address> ParseForwarded(std::string_view element) {
  if (element.starts_with('[')) {
    return ParseAddress(element.substr(1, element.find(']') - 1));
  }
  if (std::count(element.begin(), element.end(), ':') == 1) {
    element = element.substr(0, element.find(':'));
  }
  return ParseAddress(element);
}

bool IsTrusted(const Address& address, const std::vector<AddressRange>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const AddressRange& range) { return range.Contains(address); });
}

bool IsHostName(std::string_view text) {
  return text.size() <= 255 && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
         });
}

}  // namespace

bool AddressRange::Contains(const Address& address) const {
  return network.is_v4() == address.is_v4() && Mask(address, prefix_bits) == network;
}

std::optional<AddressRange> ParseAddressRange(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto network = ParseAddress(text.substr(0, slash));
  if (!network) {
    return std::nullopt;
  }
  const unsigned most = network->is_v4() ? 32 : 128;
  unsigned bits = most;
  if (slash != std::string_view::npos) {
    const std::string_view number = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), bits);
    if (error != std::errc() || end != number.data() + number.size() || bits > most) {
      return std::nullopt;
    }
  }
  if (Mask(*network, bits) != *network) {
    return std::nullopt;
  }
  return AddressRange{*network, bits};
}

Client FindClient(const Address& peer, const std::vector<AddressRange>& trusted_proxies,
                  const ForwardedHeaders& headers) {
  Client client;
  client.address = PlainAddress(peer);
  if (!IsTrusted(client.address, trusted_proxies)) {
    return client;
  }
  client.proxied = true;
  std::string_view addresses = headers.addresses;
  while (!addresses.empty() && IsTrusted(client.address, trusted_proxies)) {
    const auto next = ParseForwarded(TakeLast(&addresses));
    if (!next) {
      break;
    }
    client.address = *next;
  }
  std::string_view protos = headers.proto;
  std::string_view hosts = headers.host;
  const std::string_view proto = TakeLast(&protos);
  if (proto == "http" || proto == "https") {
    client.proto = proto;
  }
  const std::string_view host = TakeLast(&hosts);
  if (IsHostName(host)) {
    client.host = host;
  }
  return client;
}

Address PlainAddress(const Address& address) {
  if (address.is_v4()) {
    return address;
  }
  const address_v6 wide = address.to_v6();
  if (wide.is_v4_mapped()) {
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, wide);
  }
  return address_v6(wide.to_bytes());
}

Address CountedAddress(const Address& address) {
  return address.is_v4() ? address : Mask(address, 64);
}

std::string MaskedAddress(const Address& address) {
  const unsigned bits = address.is_v4() ? 24 : 48;
  return Mask(address, bits).to_string() + '/' + std::to_string(bits);
}

}  // namespace switchboard::gateway
