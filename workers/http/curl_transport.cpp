#include "workers/http/curl_transport.hpp"

#include <algorithm>
#include <utility>

#include "workers/http/transfer.hpp"

namespace switchboard::http {
namespace {

using engine::TimePoint;
using providers::HttpResponse;

constexpr std::size_t kMostIdleTransfers = 256;
constexpr std::chrono::seconds kWatchEvery{1};

}  // namespace

CurlTransport::CurlTransport(engine::Reactor& reactor, const engine::Clock& clock,
                             engine::LogSink& log)
    : reactor_(reactor), clock_(clock), log_(log) {
  // Once a process and never undone: other users of libcurl may be left.
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (initialised != CURLE_OK) throw std::runtime_error("cannot set up libcurl");
  multis_.push_back(std::make_unique<CurlMulti>(reactor_, clock_));
}

CurlTransport::~CurlTransport() {
  for (auto& [id, transfer] : active_) transfer->multi->Remove(transfer->easy);
}

void CurlTransport::Configure(EgressGuard guard, bool allow_http) {
  guard_ = std::move(guard);
  allow_http_ = allow_http;
  Retire();
}

void CurlTransport::Retire() {
  multis_.push_back(std::make_unique<CurlMulti>(reactor_, clock_));
  std::erase_if(multis_, [this](const std::unique_ptr<CurlMulti>& multi) {
    return multi->active() == 0 && multi != multis_.back();
  });
}

std::unique_ptr<Transfer> CurlTransport::TakeTransfer() {
  if (idle_.empty()) return std::make_unique<Transfer>();
  std::unique_ptr<Transfer> transfer = std::move(idle_.back());
  idle_.pop_back();
  return transfer;
}

void CurlTransport::PutTransfer(std::unique_ptr<Transfer> transfer) {
  if (idle_.size() >= kMostIdleTransfers) return;
  transfer->Clear();
  idle_.push_back(std::move(transfer));
}

void CurlTransport::Send(TransferId id, providers::HttpRequest request) {
  std::unique_ptr<Transfer> transfer = TakeTransfer();
  transfer->multi = multis_.back().get();
  transfer->guard = &guard_;
  transfer->deadline = clock_.Now() + request.timeout + kStalledAfter;
  if (!transfer->Prepare(id, std::move(request), allow_http_)) {
    done_.emplace_back(id, std::move(transfer->response));
    PutTransfer(std::move(transfer));
    return;
  }
  transfer->multi->Add(transfer->easy);
  active_.emplace(id, std::move(transfer));
}

bool CurlTransport::Cancel(TransferId id) {
  const auto found = active_.find(id);
  if (found == active_.end()) return false;
  std::unique_ptr<Transfer> transfer = std::move(found->second);
  active_.erase(found);
  long sent = 0;
  curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent);
  transfer->multi->Remove(transfer->easy);
  PutTransfer(std::move(transfer));
  return sent > 0;
}

void CurlTransport::Work() {
  for (const auto& multi : multis_) multi->RunTimer();
  WatchForStall();
}

void CurlTransport::Deliver() {
  for (std::size_t i = 0; i < multis_.size(); ++i) CollectDone(*multis_[i]);
  if (multis_.size() > 1) {
    std::erase_if(multis_, [this](const std::unique_ptr<CurlMulti>& multi) {
      return multi->active() == 0 && multi != multis_.back();
    });
  }
  std::vector<std::pair<TransferId, HttpResponse>> done;
  done.swap(done_);
  for (const auto& [id, response] : done) listener_->OnResponse(id, response);
}

void CurlTransport::CollectDone(CurlMulti& multi) {
  CURLcode code = CURLE_OK;
  while (CURL* easy = multi.NextDone(&code)) {
    Transfer* transfer = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    transfer->Conclude(code);
    done_.emplace_back(transfer->id, std::move(transfer->response));
    const auto found = active_.find(transfer->id);
    PutTransfer(std::move(found->second));
    active_.erase(found);
  }
}

// libcurl's event interface has been seen to freeze (curl issue 15154). Every transfer has a time
// limit of its own, so one that outlives it proves that its multi handle does nothing any more.
void CurlTransport::WatchForStall() {
  const TimePoint now = clock_.Now();
  if (now < next_watch_) return;
  next_watch_ = now + kWatchEvery;
  std::vector<TransferId> late;
  for (const auto& [id, transfer] : active_) {
    if (now > transfer->deadline) late.push_back(id);
  }
  if (late.empty()) return;
  for (const auto& multi : multis_) multi->Kick();
  for (const auto& multi : multis_) CollectDone(*multi);
  bool stalled = false;
  for (const TransferId id : late) {
    const auto found = active_.find(id);
    if (found == active_.end()) continue;
    stalled = true;
    std::unique_ptr<Transfer> transfer = std::move(found->second);
    active_.erase(found);
    transfer->Conclude(CURLE_OPERATION_TIMEDOUT);
    transfer->multi->Remove(transfer->easy);
    done_.emplace_back(id, std::move(transfer->response));
  }
  if (!stalled) return;
  log_.Log(engine::LogLevel::kWarning, "libcurl stood still: starting over with a new handle");
  Retire();
}

std::optional<TimePoint> CurlTransport::NextDeadline() const {
  std::optional<TimePoint> earliest;
  if (!done_.empty()) earliest = clock_.Now();
  if (!active_.empty()) earliest = earliest ? std::min(*earliest, next_watch_) : next_watch_;
  for (const auto& multi : multis_) {
    if (multi->timer() && (!earliest || *multi->timer() < *earliest)) earliest = multi->timer();
  }
  return earliest;
}

}  // namespace switchboard::http
