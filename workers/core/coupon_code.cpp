#include "workers/core/coupon_code.hpp"

#include <algorithm>
#include <cctype>

#include "workers/core/errors.hpp"
#include "workers/core/random.hpp"

namespace switchboard::core {

namespace {

constexpr std::string_view kAlphabet = "23456789ACDEFGHJKMNPQRTVWXY";
constexpr std::size_t kRandomCharacters = 6;
constexpr std::size_t kMaxReason = 20;

std::string ReasonPart(std::string_view reason) {
  std::string out;
  for (const char c : reason) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && std::isalnum(byte) != 0)
      out.push_back(static_cast<char>(std::toupper(byte)));
  }
  out.resize(std::min(out.size(), kMaxReason));
  return out.empty() ? "OFFER" : out;
}

bool IsDigits(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

// A decimal of 0..100, rounded half up: "12.5" is 13. Money never goes through binary floating
// point.
int WholePercent(std::string_view text) {
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = point < text.size() ? text.substr(point + 1) : "";
  const bool number = !whole.empty() && whole.size() <= 3 && IsDigits(whole) && IsDigits(fraction);
  if (!number)
    throw BadArgument("bad discount_percent " + Quoted(text), "It is a number 0 to 100.");
  int percent = 0;
  for (const char c : whole) percent = percent * 10 + (c - '0');
  const bool beyond = fraction.find_first_not_of('0') != std::string_view::npos;
  if (percent > 100 || (percent == 100 && beyond)) {
    throw BadArgument("discount_percent " + Quoted(text) + " is more than 100");
  }
  return percent + (!fraction.empty() && fraction[0] >= '5' ? 1 : 0);
}

}  // namespace

std::string GenerateCouponCode(std::string_view reason, std::string_view discount_percent) {
  const std::string percent = std::to_string(WholePercent(discount_percent));
  std::string code = ReasonPart(reason) + "-" + (percent.size() < 2 ? "0" : "") + percent + "-";
  for (std::size_t i = 0; i < kRandomCharacters; ++i) {
    code.push_back(kAlphabet[RandomBelow(static_cast<std::uint32_t>(kAlphabet.size()))]);
  }
  return code;
}

}  // namespace switchboard::core
