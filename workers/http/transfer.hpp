#pragma once
// One request on its way, and the libcurl handle it uses. Handles are used again and again.

#include <curl/curl.h>

#include <array>
#include <cstddef>
#include <string>

#include "workers/engine/clock.hpp"
#include "workers/engine/transport.hpp"
#include "workers/http/curl_multi.hpp"
#include "workers/http/egress_guard.hpp"

namespace switchboard::http {

struct Transfer {
  Transfer();
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // False, with response.transport and transport_error set, for what cannot be a request.
  bool Prepare(engine::Transport::TransferId new_id, providers::HttpRequest new_request,
               bool allow_http);
  void Conclude(CURLcode code);
  // Lets go of the memory of the request and its answer.
  void Clear();

  CURL* easy;
  CurlMulti* multi = nullptr;
  const EgressGuard* guard = nullptr;
  engine::Transport::TransferId id = 0;
  providers::HttpRequest request;
  providers::HttpResponse response;
  engine::TimePoint deadline{};

 private:
  void SetFixedOptions();
  void SetMethod();
  bool SetHeaders();
  bool Refuse(providers::Transport why, const char* error);
  providers::Transport Classify(CURLcode code) const;
  bool TakeHeader(std::string_view line);

  static size_t OnBody(char* data, size_t size, size_t count, void* self) noexcept;
  static size_t OnHeader(char* data, size_t size, size_t count, void* self) noexcept;
  static curl_socket_t OnOpenSocket(void* self, curlsocktype purpose,
                                    curl_sockaddr* address) noexcept;
  static int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept;

  curl_slist* headers_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_{};
  std::size_t header_bytes_ = 0;
  bool too_big_ = false;
  bool blocked_ = false;    // the guard refused an address
  bool connected_ = false;  // and allowed another
  bool sent_ = false;
};

}  // namespace switchboard::http

#include "workers/core/no_server_header.hpp"
