#pragma once
// Headers that every answer carries, so that no browser does more with it than it should.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "workers/gateway/client_address.hpp"

namespace switchboard::gateway {

using HeaderList = std::vector<std::pair<std::string_view, std::string_view>>;

enum class Content {
  kApi,   // data and errors: nothing of it is ever to be rendered
  kPage,  // the wallboard: its own scripts, styles, images and connections, nothing else
};

// Without Strict-Transport-Security unless the client came by TLS. The views are of constants.
HeaderList SecurityHeaders(Content content, const Client& client);

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
