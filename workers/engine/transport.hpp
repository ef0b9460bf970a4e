#pragma once
// HTTP as the engine sees it: requests go in, each comes back exactly once as a response.

#include <cstdint>

#include "workers/providers/provider.hpp"

namespace switchboard::engine {

class Transport {
 public:
  using TransferId = std::uint64_t;

  class Listener {
   public:
    virtual ~Listener() = default;
    // Called from the event loop, never from inside Send. May call Send.
    virtual void OnResponse(TransferId id, const providers::HttpResponse& response) = 0;
  };

  virtual ~Transport() = default;
  virtual void SetListener(Listener* listener) = 0;
  // Never fails at once: what cannot be sent is answered as such. `id` is the caller's and must not
  // be in use.
  virtual void Send(TransferId id, providers::HttpRequest request) = 0;
  // Ends the transfer without a response. Returns whether bytes of the request had left.
  virtual bool Cancel(TransferId id) = 0;
};

}  // namespace switchboard::engine

#include "workers/core/no_server_header.hpp"
