#pragma once
// The one exception class of workers/, the SQLSTATEs it carries, and makers for the common cases.

#include <stdexcept>
#include <string>
#include <string_view>

namespace switchboard::core {

namespace sqlstate {
// Standard codes.
inline constexpr char kInvalidParameter[] = "22023";  // bad argument
inline constexpr char kNotAllowed[] = "42501";        // insufficient privilege
inline constexpr char kNoSuchRow[] = "P0002";         // no data found
inline constexpr char kLimitExceeded[] = "54000";     // program limit exceeded (size, depth)
inline constexpr char kSystemError[] = "58000";       // something outside the database failed
inline constexpr char kInternal[] = "XX000";          // a bug of ours
// Class SB, ours alone; the only place where they are written down.
inline constexpr char kBadPhone[] = "SB001";             // bad phone number
inline constexpr char kNotConfigured[] = "SB002";        // provider not configured
inline constexpr char kSuppressed[] = "SB003";           // suppressed: do not call, no consent
inline constexpr char kOutsideHours[] = "SB004";         // outside calling hours
inline constexpr char kIllegalStep[] = "SB005";          // illegal status step
inline constexpr char kNotEligible[] = "SB006";          // not eligible: no verified purchase
inline constexpr char kLimitReached[] = "SB007";         // limit reached
inline constexpr char kBadSignature[] = "SB008";         // bad signature
inline constexpr char kUnknownProvider[] = "SB009";      // unknown provider
inline constexpr char kMissingComponent[] = "SB010";     // missing component
inline constexpr char kCouponNotRedeemable[] = "SB011";  // coupon not redeemable
inline constexpr char kMissingVariable[] = "SB012";      // template variable missing
}  // namespace sqlstate

// Ends an operation. what() is the primary message in PostgreSQL's style: lower case, no full stop,
// naming the offending value and never a secret. detail() and hint() are sentences, or empty.
class Error : public std::runtime_error {
 public:
  Error(std::string_view sqlstate, const std::string& message, std::string hint = {},
        std::string detail = {});

  const std::string& sqlstate() const noexcept { return sqlstate_; }
  const std::string& detail() const noexcept { return detail_; }
  const std::string& hint() const noexcept { return hint_; }

 private:
  std::string sqlstate_;
  std::string detail_;
  std::string hint_;
};

// A value as it may stand in a message: double-quoted, control characters and invalid UTF-8
// replaced by '?', cut after 80 bytes at a character boundary (followed by "..." then).
std::string Quoted(std::string_view value);

Error BadPhone(std::string_view raw, std::string hint = {});                // SB001
Error BadArgument(const std::string& message, std::string hint = {});       // 22023
Error LimitExceeded(const std::string& message, std::string hint = {});     // 54000
Error MissingVariable(std::string_view name);                               // SB012
Error UnknownProvider(std::string_view name);                               // SB009
Error MissingComponent(const std::string& message, std::string hint = {});  // SB010
Error NotConfigured(const std::string& message, std::string hint = {});     // SB002

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
