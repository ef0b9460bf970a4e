#include "workers/providers/twilio/twilio_codes.hpp"

#include <algorithm>
#include <iterator>

namespace switchboard::providers::twilio {
namespace {

struct Row {
  std::int64_t code;
  CodeClass code_class;
};

constexpr Row kRows[] = {
    {10004, CodeClass::kRetry},              // too many concurrent calls
    {13225, CodeClass::kPermanent},          // Dial: number blocked
    {13227, CodeClass::kPermanent},          // Dial: region not allowed
    {20001, CodeClass::kPermanent},          // unknown parameters
    {20003, CodeClass::kAccount},            // authentication failed
    {20004, CodeClass::kPermanent},          // method not allowed
    {20005, CodeClass::kAccount},            // account not active
    {20006, CodeClass::kAccount},            // access denied
    {20404, CodeClass::kPermanent},          // no such resource
    {20429, CodeClass::kRetry},              // too many requests
    {20500, CodeClass::kRetry},              // internal server error
    {20503, CodeClass::kRetry},              // service unavailable
    {21205, CodeClass::kPermanent},          // bad URL
    {21210, CodeClass::kPermanent},          // From not verified
    {21211, CodeClass::kSuppressBadNumber},  // invalid To
    {21212, CodeClass::kPermanent},          // invalid From
    {21213, CodeClass::kPermanent},          // From missing
    {21214, CodeClass::kSuppressBadNumber},  // To cannot be reached
    {21215, CodeClass::kPermanent},          // call: region not allowed
    {21216, CodeClass::kPermanent},          // call block list
    {21217, CodeClass::kSuppressBadNumber},  // not a phone number
    {21218, CodeClass::kPermanent},          // bad application
    {21219, CodeClass::kPermanent},          // trial: number not verified
    {21220, CodeClass::kPermanent},          // call not in progress
    {21401, CodeClass::kSuppressBadNumber},  // invalid number
    {21408, CodeClass::kPermanent},          // SMS: region not allowed
    {21601, CodeClass::kPermanent},          // From cannot send SMS
    {21602, CodeClass::kPermanent},          // no body
    {21603, CodeClass::kPermanent},          // From missing
    {21606, CodeClass::kPermanent},          // From cannot send to this number
    {21608, CodeClass::kPermanent},          // trial: number not verified
    {21610, CodeClass::kSuppressOptedOut},   // unsubscribed
    {21611, CodeClass::kRetry},              // queue of this From is full
    {21612, CodeClass::kSuppressBadNumber},  // not reachable from this sender
    {21614, CodeClass::kSuppressBadNumber},  // not a mobile
    {21617, CodeClass::kPermanent},          // over 1600 characters
    {21620, CodeClass::kPermanent},          // bad media URL
    {21623, CodeClass::kPermanent},          // too many media
    {21654, CodeClass::kPermanent},          // content template
    {21655, CodeClass::kPermanent},          // content template
    {21656, CodeClass::kPermanent},          // content template
    {21703, CodeClass::kPermanent},          // messaging service
    {21704, CodeClass::kPermanent},          // messaging service without a number
    {21705, CodeClass::kPermanent},          // messaging service invalid
    {30001, CodeClass::kRetry},              // queue overflow
    {30002, CodeClass::kAccount},            // account suspended
    {30003, CodeClass::kRetry},              // handset off
    {30004, CodeClass::kPermanent},          // blocked
    {30005, CodeClass::kSuppressBadNumber},  // unknown handset
    {30006, CodeClass::kSuppressBadNumber},  // landline or unreachable carrier
    {30007, CodeClass::kPermanent},          // filtered as spam
    {30008, CodeClass::kRetry},              // unknown error
    {30010, CodeClass::kPermanent},          // over the price cap
    {30017, CodeClass::kRetry},              // carrier congestion
    {30018, CodeClass::kPermanent},          // sender not allowed there
    {30022, CodeClass::kRetry},              // 10DLC rate
    {30023, CodeClass::kRetryTomorrow},      // 10DLC daily cap
    {30032, CodeClass::kPermanent},          // toll-free number not verified
    {30034, CodeClass::kPermanent},          // 10DLC number not registered
    {30410, CodeClass::kRetry},              // carrier timed out
    {30450, CodeClass::kPermanent},          // blocked
    {32203, CodeClass::kPermanent},          // blocked
    {63003, CodeClass::kSuppressBadNumber},  // no such WhatsApp address
    {63005, CodeClass::kPermanent},          // content refused
    {63007, CodeClass::kPermanent},          // no such WhatsApp sender
    {63009, CodeClass::kRetry},              // channel error
    {63010, CodeClass::kRetry},              // channel internal error
    {63012, CodeClass::kRetry},              // channel unavailable
    {63013, CodeClass::kPermanent},          // against the channel's policy
    {63014, CodeClass::kSuppressOptedOut},   // blocked by the user
    {63015, CodeClass::kPermanent},          // sandbox not joined
    {63016, CodeClass::kPermanent},          // outside the window: needs a template
    {63017, CodeClass::kRetry},              // rate
    {63018, CodeClass::kRetry},              // rate
    {63019, CodeClass::kPermanent},          // media
    {63021, CodeClass::kPermanent},          // content
    {63024, CodeClass::kSuppressBadNumber},  // invalid recipient
    {63027, CodeClass::kPermanent},          // no template in that language
    {63028, CodeClass::kPermanent},          // wrong number of template parameters
    {63032, CodeClass::kPermanent},          // recipient is in a WhatsApp experiment
    {63033, CodeClass::kSuppressOptedOut},   // recipient blocked
    {63038, CodeClass::kRetryTomorrow},      // daily limit
    {63041, CodeClass::kPermanent},          // template paused
    {63042, CodeClass::kPermanent},          // template disabled
    {63051, CodeClass::kAccount},            // WhatsApp business account locked
};

constexpr bool Less(const Row& a, const Row& b) { return a.code < b.code; }
static_assert(std::is_sorted(std::begin(kRows), std::end(kRows), Less), "searched by halves");

}  // namespace

std::optional<CodeClass> ClassOf(std::int64_t code) {
  const Row* row =
      std::lower_bound(std::begin(kRows), std::end(kRows), Row{code, CodeClass::kPermanent}, Less);
  if (row == std::end(kRows) || row->code != code) return std::nullopt;
  return row->code_class;
}

}  // namespace switchboard::providers::twilio
