#include "workers/core/decimal.hpp"

#include <algorithm>
#include <charconv>

namespace switchboard::core {

namespace {

constexpr std::size_t kMaxWholeDigits = 16;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool AllDigits(std::string_view text) { return std::all_of(text.begin(), text.end(), IsDigit); }

struct Parts {
  bool negative = false;
  std::string_view whole;
  std::string_view fraction;
};

std::optional<Parts> Split(std::string_view decimal) {
  Parts parts;
  if (!decimal.empty() && (decimal.front() == '-' || decimal.front() == '+')) {
    parts.negative = decimal.front() == '-';
    decimal.remove_prefix(1);
  }
  const std::size_t point = decimal.find('.');
  parts.whole = decimal.substr(0, point);
  if (point != std::string_view::npos) parts.fraction = decimal.substr(point + 1);
  const bool empty = parts.whole.empty() && parts.fraction.empty();
  if (empty || !AllDigits(parts.whole) || !AllDigits(parts.fraction)) return std::nullopt;
  return parts;
}

int DigitAt(std::string_view digits, std::size_t place) {
  return place < digits.size() ? digits[place] - '0' : 0;
}

}  // namespace

bool IsDecimal(std::string_view text) { return Split(text).has_value(); }

std::optional<std::int64_t> ParseCents(std::string_view decimal) {
  const auto parts = Split(decimal);
  if (!parts || parts->whole.size() > kMaxWholeDigits) return std::nullopt;
  std::int64_t cents = 0;
  std::from_chars(parts->whole.data(), parts->whole.data() + parts->whole.size(), cents);
  cents = (cents * 10 + DigitAt(parts->fraction, 0)) * 10 + DigitAt(parts->fraction, 1);
  if (DigitAt(parts->fraction, 2) >= 5) ++cents;
  return parts->negative ? -cents : cents;
}

std::string FormatCents(std::int64_t cents) {
  std::string digits = std::to_string(cents < 0 ? -cents : cents);
  if (digits.size() < 3) digits.insert(0, 3 - digits.size(), '0');
  digits.insert(digits.size() - 2, 1, '.');
  return cents < 0 ? "-" + digits : digits;
}

std::string_view WithoutTrailingZeros(std::string_view decimal) {
  if (decimal.find('.') == std::string_view::npos) return decimal;
  const std::size_t last = decimal.find_last_not_of('0');
  return decimal.substr(0, decimal[last] == '.' ? last : last + 1);
}

}  // namespace switchboard::core
