#pragma once
// A clock that stands still, a transport without a network, a provider without a format: with them
// the engine's behaviour is exact and needs no time.

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "test/doubles/memory_queue.hpp"
#include "workers/core/errors.hpp"
#include "workers/engine/engine.hpp"

namespace switchboard::testing {

using namespace std::chrono_literals;

class FakeClock final : public engine::Clock {
 public:
  engine::TimePoint Now() const override { return now_; }
  providers::Instant WallNow() const override {
    return providers::Instant(std::chrono::hours(500000) + now_.time_since_epoch());
  }
  void Advance(std::chrono::microseconds by) { now_ += by; }

 private:
  engine::TimePoint now_{std::chrono::hours(1)};
};

class FakeTransport final : public engine::Transport {
 public:
  struct Sent {
    TransferId id;
    providers::HttpRequest request;
    engine::TimePoint at;
  };

  explicit FakeTransport(const engine::Clock& clock) : clock_(clock) {}

  void SetListener(Listener* listener) override { listener_ = listener; }
  void Send(TransferId id, providers::HttpRequest request) override {
    running.push_back({id, request, clock_.Now()});
    all.push_back({id, std::move(request), clock_.Now()});
  }
  bool Cancel(TransferId id) override {
    std::erase_if(running, [id](const Sent& sent) { return sent.id == id; });
    return true;
  }

  static providers::HttpResponse Answer(int status) {
    providers::HttpResponse response;
    response.status = status;
    response.request_bytes = 100;
    return response;
  }
  static providers::HttpResponse Failure(providers::Transport how, int bytes = 100) {
    providers::HttpResponse response;
    response.transport = how;
    response.request_bytes = bytes;
    return response;
  }

  // Answers the oldest request whose URL contains the text.
  void Reply(const providers::HttpResponse& response, const std::string& url = "") {
    for (auto it = running.begin(); it != running.end(); ++it) {
      if (it->request.url.find(url) == std::string::npos) continue;
      const TransferId id = it->id;
      running.erase(it);
      listener_->OnResponse(id, response);
      return;
    }
    FAIL() << "no request to " << url;
  }
  void ReplyAll(const providers::HttpResponse& response, const std::string& url = "") {
    std::deque<Sent> now;
    now.swap(running);
    for (const Sent& sent : now) {
      if (sent.request.url.find(url) == std::string::npos) {
        running.push_back(sent);
      } else {
        listener_->OnResponse(sent.id, response);
      }
    }
  }
  int Running(const std::string& url) const {
    return static_cast<int>(std::ranges::count_if(running, [&url](const Sent& sent) {
      return sent.request.url.find(url) != std::string::npos;
    }));
  }

  std::deque<Sent> running;
  std::vector<Sent> all;

 private:
  const engine::Clock& clock_;
  Listener* listener_ = nullptr;
};

// 2xx: ok. 401: the account's fault. 404: permanent. 409: absent (look-up). 429 and 503: retry,
// after five minutes. What reached the other end and was not answered: unknown. The rest: retry.
class FakeProvider final : public providers::Provider {
 public:
  std::string_view name() const override { return "fake"; }
  providers::Capabilities capabilities() const override {
    static constexpr providers::KindInfo kKinds[] = {
        {"call", true, true}, {"message", false, false}, {"webhook", false, false}};
    return {kKinds};
  }
  providers::Built BuildRequest(const providers::Job& job, const providers::Account& account,
                                providers::Instant) const override {
    if (job.payload.find("throw") != std::string::npos) throw core::BadArgument("bad payload");
    providers::HttpRequest request;
    request.url = account.base_url + "/" + job.id;
    return request;
  }
  providers::Result Interpret(const providers::Job&, const providers::Account&,
                              const providers::HttpResponse& response,
                              providers::Instant) const override {
    return Read(response);
  }
  providers::Built BuildLookup(const providers::Job& job, const providers::Account& account,
                               providers::Instant) const override {
    providers::HttpRequest request;
    request.method = "GET";
    request.url = account.base_url + "/lookup/" + job.id;
    return request;
  }
  providers::Looked InterpretLookup(const providers::Job&, const providers::Account&,
                                    const providers::HttpRequest& asked,
                                    const providers::HttpResponse& response,
                                    providers::Instant) const override {
    if (response.status == 206) {
      providers::HttpRequest next = asked;
      next.url += "/next";
      return next;
    }
    return Read(response);
  }

 private:
  static providers::Result Read(const providers::HttpResponse& response) {
    providers::Result result;
    result.code = "http_" + std::to_string(response.status);
    if (response.transport != providers::Transport::kAnswered) {
      result.outcome =
          response.request_bytes > 0 ? providers::Outcome::kUnknown : providers::Outcome::kRetry;
      result.code = "transport";
    } else if (response.status < 300) {
      result.outcome = providers::Outcome::kOk;
      result.provider_id = "ref";
    } else if (response.status == 401 || response.status == 404) {
      result.outcome = providers::Outcome::kPermanent;
      result.account_fault = response.status == 401;
    } else if (response.status == 409) {
      result.outcome = providers::Outcome::kAbsent;
    } else {
      result.outcome = providers::Outcome::kRetry;
      if (response.status == 429 || response.status == 503) result.retry_after = 300s;
    }
    result.error = "the endpoint said " + result.code;
    return result;
  }
};

class FixedRandom final : public core::Random {
 public:
  std::uint64_t Next() override { return value_ += 0x9E3779B97F4A7C15; }

 private:
  std::uint64_t value_ = 1;
};

class FakeSecrets final : public engine::SecretSource {
 public:
  std::string Resolve(std::string_view, std::string_view, std::string_view stored) override {
    if (stored == "missing") throw core::NotConfigured("no such secret");
    return std::string(stored);
  }
};

class MemoryLog final : public engine::LogSink {
 public:
  void Log(engine::LogLevel, std::string_view message) noexcept override {
    lines.emplace_back(message);
  }
  std::vector<std::string> lines;
};

// An engine with everything around it. Settle() lets it do all that needs no time.
class EngineTest : public ::testing::Test {
 protected:
  void StartEngine(bool wakes = true) {
    store = std::make_unique<MemoryQueueStore>(queue, "me", wakes);
    engine = std::make_unique<engine::Engine>(engine::EngineParts{
        *store, transport, clock, random, secrets, log,
        [this](std::string_view name) { return name == "none" ? nullptr : &provider; },
        [this](const engine::WorkerSettings&) { ++settings_seen; }});
    store->Connect();
    Settle();
  }
  void Settle() {
    engine->Step();
    while (store->Deliver()) engine->Step();
  }
  // Time passes, with everything that falls due on the way.
  void Pass(std::chrono::microseconds time) {
    const engine::TimePoint end = clock.Now() + time;
    while (true) {
      Settle();
      const auto next = engine->NextDeadline();
      if (!next || *next > end) break;
      clock.Advance(std::max<std::chrono::microseconds>(1us, *next - clock.Now()));
    }
    clock.Advance(end - clock.Now());
    Settle();
  }
  int Turns() const { return static_cast<int>(store->turns.size()); }
  void AddJobs(const std::string& account, int count, const std::string& kind = "webhook") {
    for (int i = 0; i < count; ++i) {
      queue.Add(account + "-" + std::to_string(1000 + next_job_++), account, kind);
    }
  }

  FakeClock clock;
  MemoryQueue queue{clock};
  std::unique_ptr<MemoryQueueStore> store;
  FakeTransport transport{clock};
  FakeProvider provider;
  FixedRandom random;
  FakeSecrets secrets;
  MemoryLog log;
  std::unique_ptr<engine::Engine> engine;
  int settings_seen = 0;

 private:
  int next_job_ = 0;
};

}  // namespace switchboard::testing
