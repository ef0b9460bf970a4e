#pragma once
// Coupon codes that people can read out and nobody can guess.

#include <string>
#include <string_view>

namespace switchboard::core {

// REASON-NN-XXXXXX: the reason in capitals reduced to A-Z and 0-9 (at most 20 characters, "OFFER"
// when nothing is left), the discount in per cent, and six random characters of an alphabet of 27
// without look-alikes (no 0 O, 1 I L, B S Z beside 8 5 2, no U beside V): 3.9e8 codes for each
// reason and discount. `discount_percent` is a decimal number 0..100 as text; NN is rounded half up
// to whole per cent and has at least two digits. Throws 22023.
std::string GenerateCouponCode(std::string_view reason, std::string_view discount_percent);

}  // namespace switchboard::core

#include "workers/core/no_server_header.hpp"
