#include "workers/core/sms_segments.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "workers/core/errors.hpp"
#include "workers/core/utf8.hpp"

namespace switchboard::core {

namespace {

// What a message holds alone, and each part of a longer one (6 octets go to the concatenation
// header).
struct Capacity {
  int alone;
  int part;
};
constexpr Capacity kGsm7{160, 153};
constexpr Capacity kUcs2{70, 67};

// GSM 03.38 beyond ASCII, sorted.
constexpr std::array<char32_t, 36> kGsmBeyondAscii = {
    0xa1, 0xa3, 0xa4, 0xa5, 0xa7, 0xbf,  0xc4,  0xc5,  0xc6,  0xc7,  0xc9,  0xd1,
    0xd6, 0xd8, 0xdc, 0xdf, 0xe0, 0xe4,  0xe5,  0xe6,  0xe8,  0xe9,  0xec,  0xf1,
    0xf2, 0xf6, 0xf8, 0xf9, 0xfc, 0x393, 0x394, 0x398, 0x39b, 0x39e, 0x3a0, 0x3a3};
constexpr std::array<char32_t, 3> kGsmGreekRest = {0x3a6, 0x3a8, 0x3a9};

// Septets of a character: 1, 2 (after an escape) or 0 when GSM-7 has no such character.
int SeptetsOf(char32_t c) {
  switch (c) {
    case '\f':
    case '^':
    case '{':
    case '}':
    case '\\':
    case '[':
    case '~':
    case ']':
    case '|':
    case 0x20ac:  // euro sign
      return 2;
    case '`':
      return 0;
    case '\n':
    case '\r':
      return 1;
    default:
      break;
  }
  if (c >= 0x20 && c < 0x7f) return 1;
  const bool found = std::binary_search(kGsmBeyondAscii.begin(), kGsmBeyondAscii.end(), c) ||
                     std::binary_search(kGsmGreekRest.begin(), kGsmGreekRest.end(), c);
  return found ? 1 : 0;
}

bool Between(char32_t c, char32_t first, char32_t last) { return c >= first && c <= last; }

constexpr char32_t kJoiner = 0x200d;

// Belongs to the character before it: joiner, variation selectors, combining marks, skin tones,
// tags.
bool Extends(char32_t c) {
  return c == kJoiner || Between(c, 0x300, 0x36f) || Between(c, 0x1ab0, 0x1aff) ||
         Between(c, 0x1dc0, 0x1dff) || Between(c, 0x20d0, 0x20ff) || Between(c, 0xfe00, 0xfe0f) ||
         Between(c, 0xfe20, 0xfe2f) || Between(c, 0x1f3fb, 0x1f3ff) ||
         Between(c, 0xe0020, 0xe007f) || Between(c, 0xe0100, 0xe01ef);
}

bool IsRegionalIndicator(char32_t c) { return Between(c, 0x1f1e6, 0x1f1ff); }

// Finds where graphemes begin, as far as messages need it: emoji sequences, flags, combining marks.
class Graphemes {
 public:
  bool BeginsWith(char32_t c) {
    const bool flag_half = IsRegionalIndicator(c);
    const bool continues = joined_ || Extends(c) || (flag_half && open_flag_);
    const bool begins = first_ || !continues;
    open_flag_ = flag_half && !(open_flag_ && continues);
    joined_ = c == kJoiner;
    first_ = false;
    return begins;
  }

 private:
  bool first_ = true;
  bool joined_ = false;
  bool open_flag_ = false;
};

// Fills parts greedily; what does not fit as a whole goes to the next part.
class Parts {
 public:
  explicit Parts(Capacity capacity) : capacity_(capacity) {}

  void Add(int units) {
    total_ += units;
    // A grapheme longer than a part has to be split.
    while (units > capacity_.part) {
      if (used_ > 0) Open();
      units -= capacity_.part;
      used_ = capacity_.part;
    }
    if (used_ + units > capacity_.part) Open();
    used_ += units;
  }

  int total() const { return total_; }
  int count() const { return total_ <= capacity_.alone ? 1 : count_; }

 private:
  void Open() {
    ++count_;
    used_ = 0;
  }

  Capacity capacity_;
  int total_ = 0;
  int used_ = 0;
  int count_ = 1;
};

SmsCount CountUcs2(std::string_view body) {
  Parts parts(kUcs2);
  Graphemes graphemes;
  int grapheme_units = 0;
  while (!body.empty()) {
    const Utf8Char c = DecodeUtf8(body);
    body.remove_prefix(c.length);
    if (graphemes.BeginsWith(c.code_point)) {
      parts.Add(grapheme_units);
      grapheme_units = 0;
    }
    grapheme_units += c.code_point > 0xffff ? 2 : 1;
  }
  parts.Add(grapheme_units);
  return {"UCS-2", parts.count(), parts.total()};
}

}  // namespace

SmsCount SmsSegments(std::string_view body) {
  if (!IsValidUtf8(body)) throw BadArgument("message text is not valid UTF-8");
  Parts parts(kGsm7);
  for (std::string_view rest = body; !rest.empty();) {
    const Utf8Char c = DecodeUtf8(rest);
    const int septets = SeptetsOf(c.code_point);
    if (septets == 0) return CountUcs2(body);
    parts.Add(septets);
    rest.remove_prefix(c.length);
  }
  return {"GSM-7", parts.count(), parts.total()};
}

}  // namespace switchboard::core
