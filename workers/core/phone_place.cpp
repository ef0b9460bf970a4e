#include "workers/core/phone_place.hpp"

#include <algorithm>
#include <unordered_map>

#include "workers/core/phone.hpp"
#include "workers/core/phone_subdivisions.hpp"
#include "workers/core/phone_zones.hpp"

namespace switchboard::core {

namespace {

constexpr std::size_t kMostBlocks = 32768;
constexpr std::size_t kBlockDigits = 4;

PhonePlace Ask(std::string_view phone) {
  PhonePlace place{PhoneRegion(phone).value_or(""),
                   std::string(SubdivisionOfPrefix(phone.substr(1))), PhoneTimezones(phone)};
  for (std::string& zone : place.zones) zone = std::string(CurrentZoneName(zone));
  return place;
}

bool IsE164(std::string_view phone) {
  return phone.size() > kBlockDigits + 1 && phone.front() == '+' &&
         std::all_of(phone.begin() + 1, phone.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The block, and how long the number is: that decides too what kind of number it is.
std::string BlockOf(std::string_view phone) {
  std::string block(phone.substr(1, phone.size() - 1 - kBlockDigits));
  block.push_back(static_cast<char>('a' + phone.size()));
  return block;
}

}  // namespace

const PhonePlace& PlaceOfPhone(std::string_view phone) {
  static std::unordered_map<std::string, PhonePlace> known;
  static const PhonePlace kNowhere;
  if (!IsE164(phone)) return kNowhere;
  if (known.size() >= kMostBlocks) known.clear();
  const auto [place, is_new] = known.try_emplace(BlockOf(phone));
  if (is_new) {
    try {
      place->second = Ask(phone);
    } catch (...) {
      known.erase(place);
      throw;
    }
  }
  return place->second;
}

}  // namespace switchboard::core
