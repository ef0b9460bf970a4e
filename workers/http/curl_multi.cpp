#include "workers/http/curl_multi.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <exception>

#include "workers/core/errors.hpp"

namespace switchboard::http {
namespace {

// Kept open for re-use; each costs some 16 KB.
constexpr long kMostIdleConnections = 1024;

void Check(CURLMcode code) {
  if (code == CURLM_OK) return;
  throw core::Error(core::sqlstate::kInternal,
                    std::string("libcurl multi: ") + curl_multi_strerror(code));
}

}  // namespace

CurlMulti::CurlMulti(engine::Reactor& reactor, const engine::Clock& clock)
    : reactor_(reactor), clock_(clock), multi_(curl_multi_init()) {
  if (multi_ == nullptr) throw core::Error(core::sqlstate::kInternal, "cannot set up libcurl");
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlMulti::OnSocket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlMulti::OnTimer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kMostIdleConnections);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
}

CurlMulti::~CurlMulti() { curl_multi_cleanup(multi_); }

void CurlMulti::Add(CURL* easy) {
  Check(curl_multi_add_handle(multi_, easy));
  ++active_;
}

void CurlMulti::Remove(CURL* easy) {
  curl_multi_remove_handle(multi_, easy);
  --active_;
}

void CurlMulti::RunTimer() {
  if (!timer_ || clock_.Now() < *timer_) return;
  Kick();
}

void CurlMulti::Kick() {
  timer_.reset();
  int running = 0;
  Check(curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running));
}

CURL* CurlMulti::NextDone(CURLcode* code) {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    *code = message->data.result;
    CURL* easy = message->easy_handle;  // the message dies with the removal
    Remove(easy);
    return easy;
  }
  return nullptr;
}

void CurlMulti::OnReady(int fd, bool readable, bool writable) {
  const int what = (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0);
  int running = 0;
  Check(curl_multi_socket_action(multi_, fd, what, &running));
}

int CurlMulti::OnSocket(CURL*, curl_socket_t socket, int what, void* self, void*) noexcept {
  auto* me = static_cast<CurlMulti*>(self);
  try {
    if (what != CURL_POLL_REMOVE) {
      me->reactor_.Watch(socket, (what & CURL_POLL_IN) != 0, (what & CURL_POLL_OUT) != 0, me);
    } else if (static_cast<std::size_t>(socket) < me->ours_.size() &&
               me->ours_[static_cast<std::size_t>(socket)]) {
      me->reactor_.Pause(socket);
    } else {
      me->reactor_.Forget(socket);
    }
    return 0;
  } catch (const std::exception&) {
    return -1;  // ends all transfers of this handle with an error
  }
}

int CurlMulti::OnTimer(CURLM*, long timeout_ms, void* self) noexcept {
  auto* me = static_cast<CurlMulti*>(self);
  me->timer_.reset();
  if (timeout_ms >= 0) me->timer_ = me->clock_.Now() + std::chrono::milliseconds(timeout_ms);
  return 0;
}

curl_socket_t CurlMulti::OpenSocket(const curl_sockaddr& address) noexcept {
  const int fd =
      socket(address.family, address.socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address.protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  const auto index = static_cast<std::size_t>(fd);
  try {
    if (index >= ours_.size()) ours_.resize(index + 1);
  } catch (const std::exception&) {
    close(fd);
    return CURL_SOCKET_BAD;
  }
  ours_[index] = true;
  return fd;
}

int CurlMulti::CloseSocket(void* self, curl_socket_t socket) noexcept {
  auto* me = static_cast<CurlMulti*>(self);
  me->reactor_.Forget(socket);
  const auto index = static_cast<std::size_t>(socket);
  if (index < me->ours_.size()) me->ours_[index] = false;
  return close(socket);
}

}  // namespace switchboard::http
