#include "workers/http/transfer.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "workers/core/errors.hpp"
#include "workers/engine/fault.hpp"
#include "workers/http/curl_transport.hpp"

namespace switchboard::http {
namespace {

using How = providers::Transport;

constexpr char kUserAgent[] = "pg_switchboard/" SB_VERSION;
// libcurl waits for "100 Continue" before longer bodies; no provider of ours needs that.
constexpr std::size_t kExpectThreshold = 1024 * 1024;
constexpr long kReceiveBuffer = 8 * 1024;

bool HasControl(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

bool StartsWithNoCase(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), text.begin(), [](char p, char t) {
           return p == (t >= 'A' && t <= 'Z' ? static_cast<char>(t - 'A' + 'a') : t);
         });
}

std::string_view Trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

}  // namespace

Transfer::Transfer() : easy(curl_easy_init()) {
  if (easy == nullptr) throw core::Error(core::sqlstate::kInternal, "cannot set up libcurl");
  SetFixedOptions();
}

Transfer::~Transfer() {
  curl_easy_cleanup(easy);
  curl_slist_free_all(headers_);
}

void Transfer::SetFixedOptions() {
  curl_easy_setopt(easy, CURLOPT_PRIVATE, this);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_.data());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  // A proxy from the environment would make the guard look at the proxy's address.
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, kUserAgent);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, kReceiveBuffer);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(CurlTransport::kConnectTimeout.count()));
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &Transfer::OnOpenSocket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &CurlMulti::CloseSocket);
#ifdef SB_FAULTS
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &Transfer::OnProgress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, this);
#endif
}

bool Transfer::Refuse(How why, const char* error) {
  response.transport = why;
  response.transport_error = error;
  return false;
}

bool Transfer::Prepare(engine::Transport::TransferId new_id, providers::HttpRequest new_request,
                       bool allow_http) {
  id = new_id;
  request = std::move(new_request);
  const bool https = StartsWithNoCase(request.url, "https://");
  const bool http = StartsWithNoCase(request.url, "http://");
  if (!http && !https) return Refuse(How::kBadRequest, "the URL is neither http nor https");
  if (http && !allow_http) {
    return Refuse(How::kBlocked, "http is not allowed, only https (switchboard.allow_http)");
  }
  if (HasControl(request.url) || HasControl(request.method)) {
    return Refuse(How::kBadRequest, "the URL holds a control character");
  }
  if (!SetHeaders()) return Refuse(How::kBadRequest, "a header holds a line break");
  SetMethod();
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, multi);
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, allow_http ? "http,https" : "https");
  // A connection of its own is used once: kept, each such request would leave one behind.
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request.fresh_connection ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, request.fresh_connection ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  return true;
}

void Transfer::SetMethod() {
  if (request.method == "GET" && request.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, nullptr);
    return;
  }
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
                   request.method == "POST" ? nullptr : request.method.c_str());
}

bool Transfer::SetHeaders() {
  std::string line;
  const auto add = [this, &line] {
    curl_slist* longer = curl_slist_append(headers_, line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    headers_ = longer;
  };
  for (const auto& [name, value] : request.headers) {
    if (HasControl(name) || HasControl(value)) return false;
    line = name;
    // libcurl takes "Name:" for the wish to have no such header.
    line += value.empty() ? ";" : ": ";
    line += value;
    add();
  }
  if (request.body.size() >= kExpectThreshold) {
    line = "Expect:";
    add();
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_);
  return true;
}

void Transfer::Conclude(CURLcode code) {
  response.transport = Classify(code);
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  response.status = static_cast<int>(status);
  long sent = 0;
  curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
  response.request_bytes = sent;
  // The same code as for a bad scheme: what came back was not HTTP/1.
  if (response.transport == How::kBadRequest && sent > 0) response.transport = How::kReset;
  if (response.transport == How::kAnswered) return;
  if (response.transport == How::kBlocked) {
    response.transport_error = "the address is not allowed (switchboard.egress_allow)";
  } else {
    response.transport_error = error_[0] != '\0' ? error_.data() : curl_easy_strerror(code);
  }
}

How Transfer::Classify(CURLcode code) const {
  if (too_big_) return How::kTooBig;
  switch (code) {
    case CURLE_OK:
      return How::kAnswered;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return How::kNotResolved;
    case CURLE_COULDNT_CONNECT:
      return blocked_ && !connected_ ? How::kBlocked : How::kRefused;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return How::kTls;
    case CURLE_OPERATION_TIMEDOUT:
      return How::kTimeout;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return How::kBadRequest;
    default:
      return How::kReset;
  }
}

void Transfer::Clear() {
  curl_slist_free_all(headers_);
  headers_ = nullptr;
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, nullptr);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, nullptr);
  request = {};
  response = {};
  error_[0] = '\0';
  header_bytes_ = 0;
  too_big_ = blocked_ = connected_ = sent_ = false;
  multi = nullptr;
}

bool Transfer::TakeHeader(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > CurlTransport::kMostHeaderBytes) {
    too_big_ = true;
    return false;
  }
  if (line.starts_with("HTTP/")) {  // the final answer after a "100 Continue"
    response.headers.clear();
    return true;
  }
  const std::size_t colon = line.find(':');
  if (colon == line.npos) return true;
  response.headers.emplace_back(line.substr(0, colon), Trimmed(line.substr(colon + 1)));
  return true;
}

size_t Transfer::OnBody(char* data, size_t size, size_t count, void* self) noexcept {
  auto* me = static_cast<Transfer*>(self);
  const std::size_t bytes = size * count;
  if (me->response.body.size() + bytes > me->request.max_response_bytes) {
    me->too_big_ = true;
    return 0;
  }
  try {
    me->response.body.append(data, bytes);
    return bytes;
  } catch (const std::exception&) {
    return 0;
  }
}

size_t Transfer::OnHeader(char* data, size_t size, size_t count, void* self) noexcept {
  const std::size_t bytes = size * count;
  try {
    return static_cast<Transfer*>(self)->TakeHeader({data, bytes}) ? bytes : 0;
  } catch (const std::exception&) {
    return 0;
  }
}

curl_socket_t Transfer::OnOpenSocket(void* self, curlsocktype, curl_sockaddr* address) noexcept {
  auto* me = static_cast<Transfer*>(self);
  if (!me->guard->Allows(address->addr)) {
    me->blocked_ = true;
    return CURL_SOCKET_BAD;
  }
  me->connected_ = true;
  return me->multi->OpenSocket(*address);
}

int Transfer::OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  auto* me = static_cast<Transfer*>(self);
  long sent = 0;
  curl_easy_getinfo(me->easy, CURLINFO_REQUEST_SIZE, &sent);
  if (sent > 0 && !me->sent_) {
    me->sent_ = true;
    SB_FAULT("after_bytes_left");
  }
  return 0;
}

}  // namespace switchboard::http
