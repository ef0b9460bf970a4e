// The transport against a server that misbehaves, and the egress guard.

#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "test/unit/http_test_server.hpp"
#include "workers/core/errors.hpp"
#include "workers/http/curl_transport.hpp"
#include "workers/http/epoll_reactor.hpp"

namespace switchboard::testing {
namespace {

using http::CurlTransport;
using http::EgressGuard;
using providers::HttpRequest;
using providers::HttpResponse;
using providers::Transport;
using namespace std::chrono_literals;

class SilentLog final : public engine::LogSink {
 public:
  void Log(engine::LogLevel, std::string_view) noexcept override {}
};

class HttpTransportTest : public ::testing::Test, public engine::Transport::Listener {
 protected:
  HttpTransportTest() {
    transport.SetListener(this);
    transport.Configure(EgressGuard({"127.0.0.0/8"}), true);
  }

  void OnResponse(engine::Transport::TransferId id, const HttpResponse& response) override {
    responses[id] = response;
  }
  static HttpRequest Get(const std::string& url) {
    HttpRequest request;
    request.method = "GET";
    request.url = url;
    request.timeout = 5s;
    return request;
  }
  static HttpRequest Post(const std::string& url, std::string body) {
    HttpRequest request = Get(url);
    request.method = "POST";
    request.body = std::move(body);
    request.headers = {{"Content-Type", "application/json"}};
    return request;
  }
  // Runs the loop until so many responses came, or ten seconds.
  void Run(std::size_t count) {
    const auto end = clock.Now() + 10s;
    transport.Work();
    while (responses.size() < count && clock.Now() < end) {
      const auto next = transport.NextDeadline();
      const auto wait = next ? std::min<std::chrono::microseconds>(*next - clock.Now(), 100ms)
                             : std::chrono::microseconds(100ms);
      reactor.Wait(wait);
      transport.Work();
      transport.Deliver();
    }
  }
  HttpResponse Ask(const HttpRequest& request) {
    responses.clear();
    transport.Send(++last_id, request);
    Run(1);
    return responses.contains(last_id) ? responses[last_id] : HttpResponse{};
  }

  engine::SystemClock clock;
  http::EpollReactor reactor;
  SilentLog log;
  MisbehavingServer server;
  CurlTransport transport{reactor, clock, log};
  std::map<engine::Transport::TransferId, HttpResponse> responses;
  engine::Transport::TransferId last_id = 0;
};

TEST_F(HttpTransportTest, GivesBackStatusHeadersAndBody) {
  const HttpResponse response = Ask(Get(server.Url("/ok")));
  EXPECT_EQ(response.transport, Transport::kAnswered);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(*providers::FindHeader(response.headers, "x-one"), "1");
  EXPECT_EQ(*providers::FindHeader(response.headers, "X-Two"), "2");
  EXPECT_GT(response.request_bytes, 0);
}

TEST_F(HttpTransportTest, SendsMethodHeadersAndBodyAsTheyAre) {
  HttpRequest request = Post(server.Url("/ok"), std::string("{\"a\":\"\0b\"}", 10));
  request.headers.emplace_back("X-Empty", "");
  Ask(request);
  const std::string seen = server.last_request();
  EXPECT_TRUE(seen.starts_with("POST /ok HTTP/1.1\r\n")) << seen;
  EXPECT_NE(seen.find("X-Empty:\r\n"), seen.npos) << seen;
  EXPECT_NE(seen.find("User-Agent: pg_switchboard/"), seen.npos);
  EXPECT_TRUE(seen.ends_with(std::string("{\"a\":\"\0b\"}", 10)));
  request.method = "DELETE";
  request.body.clear();
  Ask(request);
  EXPECT_TRUE(server.last_request().starts_with("DELETE /ok"));
  Ask(Get(server.Url("/ok")));
  EXPECT_TRUE(server.last_request().starts_with("GET /ok"));
}

TEST_F(HttpTransportTest, KeepsConnectionsAndUsesThemAgain) {
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Ask(Get(server.Url("/ok"))).status, 200);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpTransportTest, ARequestThatMustNotBeRepeatedHasAConnectionOfItsOwn) {
  HttpRequest request = Post(server.Url("/close-when-used-again"), "{}");
  EXPECT_EQ(Ask(request).status, 200);
  request.fresh_connection = true;
  EXPECT_EQ(Ask(request).status, 200);
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(server.requests(), 2);
}

TEST_F(HttpTransportTest, AConnectionThatDiesWithoutAnAnswerIsNotRepeatedForFreshRequests) {
  HttpRequest request = Post(server.Url("/close"), "{}");
  request.fresh_connection = true;
  const HttpResponse response = Ask(request);
  EXPECT_EQ(response.transport, Transport::kReset);
  EXPECT_GT(response.request_bytes, 0);
  EXPECT_EQ(server.requests(), 1);
}

TEST_F(HttpTransportTest, TellsApartHowItWentWrong) {
  EXPECT_EQ(Ask(Get(server.Url("/half"))).transport, Transport::kReset);
  EXPECT_EQ(Ask(Get(server.Url("/reset"))).transport, Transport::kReset);
  EXPECT_EQ(Ask(Get(server.Url("/garbage"))).transport, Transport::kReset);
  EXPECT_EQ(Ask(Get("http://127.0.0.1:1/")).transport, Transport::kRefused);
  EXPECT_EQ(Ask(Get("http://127.0.0.1:1/")).request_bytes, 0);
  EXPECT_EQ(Ask(Get("http://no.such.host.invalid/")).transport, Transport::kNotResolved);
  EXPECT_EQ(Ask(Get("https://127.0.0.1:" + std::to_string(server.port()) + "/ok")).transport,
            Transport::kTls);
  EXPECT_EQ(Ask(Get(server.Url("/ok"))).status, 200);
}

TEST_F(HttpTransportTest, TakesNoMoreThanTheAnnouncedLength) {
  const HttpResponse response = Ask(Get(server.Url("/too-long")));
  EXPECT_EQ(response.body, "abc");
  EXPECT_EQ(Ask(Get(server.Url("/ok"))).body, "hello");
}

TEST_F(HttpTransportTest, BoundsTheBodyAndKeepsTheStatus) {
  HttpRequest request = Get(server.Url("/huge"));
  request.max_response_bytes = 100000;
  const HttpResponse response = Ask(request);
  EXPECT_EQ(response.transport, Transport::kTooBig);
  EXPECT_EQ(response.status, 200);
  EXPECT_LE(response.body.size(), 100000u);
}

TEST_F(HttpTransportTest, BoundsTheHeaders) {
  EXPECT_EQ(Ask(Get(server.Url("/huge-headers"))).transport, Transport::kTooBig);
}

TEST_F(HttpTransportTest, BoundsTheTimeInAll) {
  for (const char* path : {"/hang", "/drip"}) {
    HttpRequest request = Get(server.Url(path));
    request.timeout = 200ms;
    const auto start = clock.Now();
    const HttpResponse response = Ask(request);
    EXPECT_EQ(response.transport, Transport::kTimeout) << path;
    EXPECT_GT(response.request_bytes, 0);
    EXPECT_LT(clock.Now() - start, 2s);
  }
}

TEST_F(HttpTransportTest, AHangingRequestHoldsNoOtherUp) {
  for (int i = 0; i < 50; ++i) transport.Send(++last_id, Get(server.Url("/hang")));
  const auto start = clock.Now();
  transport.Send(++last_id, Get(server.Url("/ok")));
  Run(1);
  EXPECT_EQ(responses[last_id].status, 200);
  EXPECT_LT(clock.Now() - start, 1s);
}

TEST_F(HttpTransportTest, ManyAtOnceAllComeBack) {
  for (int i = 0; i < 200; ++i) transport.Send(++last_id, Post(server.Url("/slow"), "{}"));
  Run(200);
  EXPECT_EQ(responses.size(), 200u);
  for (const auto& [id, response] : responses) EXPECT_EQ(response.body, "late");
}

TEST_F(HttpTransportTest, FollowsNoRedirects) {
  EXPECT_EQ(Ask(Get(server.Url("/redirect"))).status, 302);
  EXPECT_EQ(server.requests(), 1);
}

TEST_F(HttpTransportTest, HeadersOfInterimAnswersAreForgotten) {
  const HttpResponse response = Ask(Get(server.Url("/early")));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(providers::FindHeader(response.headers, "X-Old"), nullptr);
}

TEST_F(HttpTransportTest, RefusesWhatIsNoRequest) {
  EXPECT_EQ(Ask(Get("ftp://example.com/")).transport, Transport::kBadRequest);
  EXPECT_EQ(Ask(Get("file:///etc/passwd")).transport, Transport::kBadRequest);
  EXPECT_EQ(Ask(Get("")).transport, Transport::kBadRequest);
  EXPECT_EQ(Ask(Get("http://")).transport, Transport::kBadRequest);
  EXPECT_EQ(Ask(Get(server.Url("/a\r\nX: y"))).transport, Transport::kBadRequest);
  HttpRequest request = Post(server.Url("/ok"), "{}");
  request.headers.emplace_back("X-Evil", "a\r\nHost: b");
  EXPECT_EQ(Ask(request).transport, Transport::kBadRequest);
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(HttpTransportTest, WithoutPermissionThereIsOnlyHttps) {
  transport.Configure(EgressGuard({"127.0.0.0/8"}), false);
  const HttpResponse response = Ask(Get(server.Url("/ok")));
  EXPECT_EQ(response.transport, Transport::kBlocked);
  EXPECT_EQ(response.request_bytes, 0);
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(HttpTransportTest, TheGuardLooksAtTheAddressAfterTheNameWasResolved) {
  transport.Configure(EgressGuard(), true);
  const std::string port = std::to_string(server.port());
  for (const char* host :
       {"127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"}) {
    EXPECT_EQ(Ask(Get(std::string("http://") + host + ":" + port + "/ok")).transport,
              Transport::kBlocked)
        << host;
  }
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(HttpTransportTest, AProxyOfTheEnvironmentIsNotUsed) {
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  EXPECT_EQ(Ask(Get(server.Url("/ok"))).status, 200);
  unsetenv("http_proxy");
}

TEST_F(HttpTransportTest, ConnectionsMadeUnderOtherRulesAreNotUsedAgain) {
  EXPECT_EQ(Ask(Get(server.Url("/ok"))).status, 200);
  transport.Configure(EgressGuard(), true);
  EXPECT_EQ(Ask(Get(server.Url("/ok"))).transport, Transport::kBlocked);
  transport.Configure(EgressGuard({"127.0.0.1"}), true);
  EXPECT_EQ(Ask(Get(server.Url("/ok"))).status, 200);
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(HttpTransportTest, ACancelledRequestNeverComesBack) {
  transport.Send(1, Get(server.Url("/slow")));
  const auto end = clock.Now() + 50ms;
  while (clock.Now() < end) {
    transport.Work();
    reactor.Wait(10ms);
  }
  EXPECT_TRUE(transport.Cancel(1));
  last_id = 1;
  EXPECT_EQ(Ask(Get(server.Url("/ok"))).status, 200);
  EXPECT_FALSE(responses.contains(1));
  EXPECT_FALSE(transport.Cancel(1));
}

// A clock of which libcurl knows nothing: it makes a transfer look overdue.
class ShiftedClock final : public engine::Clock {
 public:
  engine::TimePoint Now() const override { return real.Now() + shift; }
  providers::Instant WallNow() const override { return real.WallNow(); }
  engine::SystemClock real;
  std::chrono::seconds shift{0};
};

TEST_F(HttpTransportTest, AHandleThatStandsStillIsReplaced) {
  ShiftedClock shifted;
  CurlTransport stalled(reactor, shifted, log);
  stalled.SetListener(this);
  stalled.Configure(EgressGuard({"127.0.0.1"}), true);
  stalled.Send(1, Get(server.Url("/hang")));
  stalled.Work();
  reactor.Wait(10ms);
  shifted.shift = 60s;
  stalled.Work();
  stalled.Deliver();
  ASSERT_TRUE(responses.contains(1));
  EXPECT_EQ(responses[1].transport, Transport::kTimeout);
  stalled.Send(2, Get(server.Url("/ok")));
  for (int i = 0; i < 100 && !responses.contains(2); ++i) {
    stalled.Work();
    reactor.Wait(10ms);
    stalled.Deliver();
  }
  EXPECT_EQ(responses[2].status, 200);
}

bool Allowed(const EgressGuard& guard, const char* address) {
  return guard.Allows(EgressGuard::ParseAddress(address));
}

TEST(EgressGuard, AllowsThePublicInternetOnly) {
  const EgressGuard guard;
  for (const char* address : {"8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "223.255.255.1",
                              "2606:4700::1111", "2a00:1450::1"}) {
    EXPECT_TRUE(Allowed(guard, address)) << address;
  }
  for (const char* address :
       {"0.0.0.0",         "10.0.0.1",    "100.64.0.1",      "127.0.0.1", "127.255.255.255",
        "169.254.169.254", "172.16.0.1",  "172.31.255.255",  "192.0.2.1", "192.168.1.1",
        "198.18.0.1",      "224.0.0.1",   "255.255.255.255", "::",        "::1",
        "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "fe80::1",   "fd00::1",
        "fec0::1",         "ff02::1",     "2001:db8::1",     "2001::1",   "2002:7f00:1::"}) {
    EXPECT_FALSE(Allowed(guard, address)) << address;
  }
}

TEST(EgressGuard, AllowsTheNetworksThatAreListed) {
  const EgressGuard guard({"10.1.0.0/16", "127.0.0.1", "fd00::/8"});
  EXPECT_TRUE(Allowed(guard, "10.1.255.1"));
  EXPECT_FALSE(Allowed(guard, "10.2.0.1"));
  EXPECT_TRUE(Allowed(guard, "127.0.0.1"));
  EXPECT_FALSE(Allowed(guard, "127.0.0.2"));
  EXPECT_TRUE(Allowed(guard, "::ffff:10.1.0.1"));
  EXPECT_TRUE(Allowed(guard, "fd12::1"));
  EXPECT_FALSE(Allowed(guard, "fe80::1"));
}

TEST(EgressGuard, NamesTheNetworkItCannotRead) {
  for (const char* bad :
       {"", "10.0.0.0/33", "10.0.0/8", "::/129", "1.2.3.4/", "1.2.3.4/x", "host"}) {
    EXPECT_THROW(EgressGuard({bad}), core::Error) << bad;
  }
}

}  // namespace
}  // namespace switchboard::testing
