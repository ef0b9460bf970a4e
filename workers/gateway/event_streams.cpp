#include "workers/gateway/event_streams.hpp"

#include <algorithm>
#include <boost/beast/http/write.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include "workers/gateway/event_request.hpp"
#include "workers/gateway/event_sse.hpp"
#include "workers/gateway/event_websocket.hpp"

namespace switchboard::gateway {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::chrono::seconds kTick{1};
// A feed without listeners is kept for those who connect again.
constexpr std::chrono::seconds kLinger{10};
// At least: with many tenants less often, so that looking costs at most 200 queries a second.
constexpr std::chrono::seconds kPoll{1};
constexpr std::chrono::milliseconds kPollPerHub{5};
constexpr std::size_t kHubBytes = 1024 * 1024;
constexpr std::size_t kAllHubsBytes = 64 * 1024 * 1024;
// Credentials that are checked again in one tick: this and a thirtieth of the streams.
constexpr std::size_t kRechecks = 5;

// Bounds what the kernel keeps for a slow reader, and ends a connection whose other end is gone
// without a word half a minute after something was sent to it.
void BoundSocket(beast::tcp_stream& stream) {
  const int handle = stream.socket().native_handle();
  const int send_bytes = 32 * 1024;
  const unsigned silence_ms = 30'000;
  setsockopt(handle, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
  setsockopt(handle, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof silence_ms);
}

// Answers a request that becomes no stream, and ends the connection.
void Refuse(const std::shared_ptr<StreamRequest>& request, HttpResponse response) {
  const auto answer = std::make_shared<HttpResponse>(std::move(response));
  for (const auto& [name, value] : request->headers) {
    answer->set(name, value);
  }
  answer->version(request->request.version());
  answer->keep_alive(false);
  answer->prepare_payload();
  request->stream.expires_after(std::chrono::seconds(10));
  http::async_write(request->stream, *answer, [request, answer](beast::error_code, std::size_t) {
    beast::error_code ignored;
    request->stream.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_both, ignored);
    request->stream.close();
  });
  request->log(answer->result_int(), answer->body().size());
}

HttpResponse RetryLater(HttpResponse response, const char* seconds) {
  response.set(http::field::retry_after, seconds);
  return response;
}

HttpResponse RefusalOf(const IdentityAnswer& answer) {
  if (answer.kind == IdentityAnswer::Kind::kUnavailable) {
    return RetryLater(Problem(503, "Service Unavailable", "the database cannot answer now"), "2");
  }
  HttpResponse response = Problem(answer.status,
                                  answer.status == 401   ? "Unauthorized"
                                  : answer.status == 403 ? "Forbidden"
                                                         : "Bad Request",
                                  answer.reason);
  if (answer.status == 401) {
    response.set(http::field::www_authenticate, "Bearer");
  }
  return response;
}

std::string UserKey(const Viewer& viewer) { return viewer.tenant_id + "/" + viewer.user_id; }

}  // namespace

EventStreams::EventStreams(boost::asio::io_context& io, const std::string& dsn,
                           StreamOptions options, Log log)
    : options_(options),
      timer_(io),
      database_(io, dsn,
                {[this](std::string_view tenant, std::int64_t seq) {
                   if (const auto hub = hubs_.find(tenant); hub != hubs_.end()) {
                     hub->second->OnNews(seq);
                   }
                 },
                 [this] {
                   for (const auto& [tenant, hub] : hubs_) {
                     hub->Poll(std::chrono::seconds(0));
                   }
                 }},
                std::move(log)) {
  Tick();
}

EventStreams::~EventStreams() {
  for (EventClient* client : clients_) {
    client->Detach();
  }
  for (const auto& [tenant, hub] : hubs_) {
    hub->Close();
  }
}

bool EventStreams::Wants(const HttpRequest& request, std::string_view path) const {
  return WantsEventStream(request, path);
}

void EventStreams::Take(StreamRequest taken) {
  const auto request = std::make_shared<StreamRequest>(std::move(taken));
  if (stopping_ || clients_.size() + asking_ >= options_.max_streams) {
    return Refuse(request, RetryLater(Problem(503, "Service Unavailable",
                                              "there are as many streams as may be"),
                                      "10"));
  }
  if (beast::websocket::is_upgrade(request->request) && request->unread.size() > 0) {
    return Refuse(request, Problem(400, "Bad Request", "data before the handshake has ended"));
  }
  auto parsed =
      ParseEventQuestion(JoinedHeader(request->request, "Last-Event-ID"), request->call.query_json);
  if (!parsed.problem.empty()) {
    return Refuse(request, Problem(400, "Bad Request", parsed.problem));
  }
  BoundSocket(request->stream);
  ++asking_;
  database_.Identify(request->call.headers_json, request->call.query_json,
                     [this, request, question = std::move(parsed.question)](IdentityAnswer answer) {
                       --asking_;
                       OnIdentity(request, question, std::move(answer));
                     });
}

void EventStreams::OnIdentity(const SharedRequest& request, EventQuestion question,
                              IdentityAnswer answer) {
  if (stopping_) {
    answer.kind = IdentityAnswer::Kind::kUnavailable;
  }
  if (answer.kind != IdentityAnswer::Kind::kKnown) {
    return Refuse(request, RefusalOf(answer));
  }
  if (!HasRoomFor(answer.viewer)) {
    return Refuse(request, RetryLater(Problem(429, "Too Many Requests",
                                              "too many streams of this user or tenant"),
                                      "10"));
  }
  for (auto& header : answer.headers) {
    request->headers.push_back(std::move(header));
  }
  Begin(request, std::move(question), std::move(answer.viewer));
}

void EventStreams::Begin(const SharedRequest& request, EventQuestion question, Viewer viewer) {
  EventClient::Setup setup;
  setup.hub = HubOf(viewer.tenant_id);
  setup.database = &database_;
  setup.recheck = options_.recheck;
  setup.patience = options_.patience;
  setup.question = std::move(question);
  setup.ended = [this, viewer](EventClient* client) {
    clients_.erase(client);
    Count(viewer, -1);
  };
  Count(viewer, 1);
  setup.viewer = std::move(viewer);
  std::shared_ptr<EventClient> client;
  if (beast::websocket::is_upgrade(request->request)) {
    client = std::make_shared<WebSocketClient>(std::move(*request), std::move(setup));
  } else {
    client = std::make_shared<SseClient>(std::move(*request), std::move(setup));
  }
  clients_.insert(client.get());
  client->Start();
}

bool EventStreams::HasRoomFor(const Viewer& viewer) const {
  const auto count = [this](const std::string& key) {
    const auto found = counts_.find(key);
    return found == counts_.end() ? 0 : found->second;
  };
  return count(viewer.tenant_id) < options_.max_per_tenant &&
         (viewer.user_id.empty() || count(UserKey(viewer)) < options_.max_per_user);
}

void EventStreams::Count(const Viewer& viewer, int change) {
  for (const std::string& key : {viewer.tenant_id, UserKey(viewer)}) {
    if ((counts_[key] += static_cast<std::size_t>(change)) == 0) {
      counts_.erase(key);
    }
  }
}

std::shared_ptr<EventHub> EventStreams::HubOf(const std::string& tenant) {
  auto& hub = hubs_[tenant];
  if (!hub) {
    hub = std::make_shared<EventHub>(database_, tenant, kHubBytes);
    LimitHubs();
  }
  return hub;
}

// What all feeds hold together is bounded.
void EventStreams::LimitHubs() {
  const std::size_t share = std::min(kHubBytes, kAllHubsBytes / hubs_.size());
  for (const auto& [tenant, hub] : hubs_) {
    if (hub) {
      hub->LimitTo(share);
    }
  }
}

void EventStreams::Tick() {
  const auto now = EventHub::Clock::now();
  database_.ExpireWaiting();
  TickClients(now);
  TickHubs(now);
  timer_.expires_after(kTick);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) {
      Tick();
    }
  });
}

void EventStreams::TickHubs(EventHub::Clock::time_point now) {
  const auto interval =
      std::max<EventHub::Clock::duration>(kPoll - kTick / 10, kPollPerHub * hubs_.size());
  for (auto entry = hubs_.begin(); entry != hubs_.end();) {
    EventHub& hub = *entry->second;
    if (hub.listeners() == 0 && now - hub.left_at() > kLinger) {
      hub.Close();
      entry = hubs_.erase(entry);
      continue;
    }
    hub.Poll(interval);
    ++entry;
  }
}

void EventStreams::TickClients(EventClient::Clock::time_point now) {
  std::size_t rechecks = kRechecks + clients_.size() / 30;
  for (EventClient* client : std::vector<EventClient*>(clients_.begin(), clients_.end())) {
    if (!clients_.contains(client)) {
      continue;
    }
    if (rechecks > 0 && client->Recheck(now)) {
      --rechecks;
    }
    client->Tick(now);
  }
}

void EventStreams::Stop() {
  stopping_ = true;
  for (EventClient* client : std::vector<EventClient*>(clients_.begin(), clients_.end())) {
    if (clients_.contains(client)) {
      client->End(EventClient::Ending::kGoingAway);
    }
  }
}

}  // namespace switchboard::gateway
