// The little NCCO (Vonage's call control) that jobs carry themselves.
#pragma once

#include <string>
#include <string_view>

namespace switchboard::providers::vonage {

// [record, talk…]: a text beyond what one talk may hold is spread over several; no record when
// `recording_url` is empty, no language when that is.
std::string SayNcco(std::string_view text, std::string_view language,
                    std::string_view recording_url);

// [stream]: plays it once; the call ends after it.
std::string PlayNcco(std::string_view audio_url);

}  // namespace switchboard::providers::vonage

#include "workers/core/no_server_header.hpp"
