// The real queue, reached through libpq, through a relay of frames, or through a background worker.

#include <libpq-fe.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <thread>

#include "test/contract/store_harness.hpp"
#include "workers/core/json.hpp"
#include "workers/core/random.hpp"
#include "workers/core/store_frame.hpp"
#include "workers/http/epoll_reactor.hpp"
#include "workers/store/json_queue_store.hpp"
#include "workers/store/libpq_channel.hpp"
#include "workers/store/socket_channel.hpp"

namespace switchboard::testing {
namespace {

using core::FrameOp;

constexpr char kTenant[] = "00000000-0000-7000-8000-0000c0000000";

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

class Connection {
 public:
  explicit Connection(const std::string& dsn) : connection_(PQconnectdb(dsn.c_str())) {
    if (PQstatus(connection_) != CONNECTION_OK) {
      throw std::runtime_error(PQerrorMessage(connection_));
    }
    PQsetNoticeProcessor(
        connection_, [](void*, const char*) {}, nullptr);
  }
  ~Connection() { PQfinish(connection_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The first value of the first row. An error is a reply too: its SQLSTATE and message.
  struct Reply {
    std::string value;
    std::string sqlstate;
    std::string message;
  };
  Reply Ask(const std::string& sql, const std::vector<std::string>& parameters = {}) {
    std::vector<const char*> values;
    for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
    PGresult* result = PQexecParams(connection_, sql.c_str(), static_cast<int>(values.size()),
                                    nullptr, values.data(), nullptr, nullptr, 0);
    Reply reply;
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK && PQntuples(result) > 0) {
      reply.value = PQgetvalue(result, 0, 0);
    } else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
      const char* sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
      reply.sqlstate = sqlstate != nullptr ? sqlstate : "08006";
      reply.message = PQresultErrorMessage(result);
    }
    PQclear(result);
    return reply;
  }
  std::string Value(const std::string& sql, const std::vector<std::string>& parameters = {}) {
    Reply reply = Ask(sql, parameters);
    if (!reply.sqlstate.empty()) throw std::runtime_error(reply.message);
    return reply.value;
  }

 private:
  PGconn* connection_;
};

// Stands in for a background worker: forwards frames of one connection to a session.
class Relay {
 public:
  Relay(std::string path, std::string dsn) : path_(std::move(path)), dsn_(std::move(dsn)) {
    unlink(path_.c_str());
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
        listen(listener_, 1) != 0) {
      throw std::runtime_error("cannot listen on " + path_);
    }
    thread_ = std::thread([this] { Serve(); });
  }
  ~Relay() {
    stopping_ = true;
    shutdown(listener_, SHUT_RDWR);
    if (const int fd = fd_; fd >= 0) shutdown(fd, SHUT_RDWR);
    thread_.join();
    close(listener_);
    unlink(path_.c_str());
  }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  const std::string& path() const { return path_; }

 private:
  void Serve() {
    while (!stopping_) {
      const int fd = accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      fd_ = fd;
      Connection session(dsn_);
      Forward(fd, session);
      fd_ = -1;
      close(fd);
    }
  }

  static void Forward(int fd, Connection& session) {
    core::FrameReader reader;
    std::array<char, 65536> bytes;
    while (true) {
      const ssize_t count = recv(fd, bytes.data(), bytes.size(), 0);
      if (count <= 0) return;
      reader.Append({bytes.data(), static_cast<std::size_t>(count)});
      std::string out;
      while (const auto frame = reader.Next()) {
        if (frame->op != FrameOp::kLog) Answer(*frame, session, out);
      }
      if (send(fd, out.data(), out.size(), MSG_NOSIGNAL) < 0) return;
    }
  }

  static void Answer(const core::Frame& frame, Connection& session, std::string& out) {
    const auto reply =
        session.Ask("SELECT switchboard._worker_" + Function(frame.op) + "($1::json)",
                    {std::string(frame.body)});
    if (reply.sqlstate.empty()) {
      core::AppendFrame(out, FrameOp::kReply, reply.value);
      return;
    }
    core::JsonWriter error;
    error.BeginObject().Key("sqlstate").String(reply.sqlstate);
    error.Key("message").String(reply.message).EndObject();
    core::AppendFrame(out, FrameOp::kFailure, error.text());
  }

  static std::string Function(FrameOp op) {
    switch (op) {
      case FrameOp::kHello:
        return "hello";
      case FrameOp::kTurn:
        return "turn";
      case FrameOp::kNoteSending:
        return "note_sending";
      case FrameOp::kRenew:
        return "renew";
      case FrameOp::kRelease:
        return "release";
      case FrameOp::kFree:
        return "free";
      default:
        return "goodbye";
    }
  }

  std::string path_;
  std::string dsn_;
  int listener_;
  std::atomic<int> fd_{-1};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

class SilentLog final : public engine::LogSink {
 public:
  void Log(engine::LogLevel, std::string_view) noexcept override {}
};

class Waiting final : public engine::QueueStore::Listener {
 public:
  void OnConnected() override { connected = true; }
  void OnDisconnected(const std::string&) override { connected = false; }
  void OnGone(const std::string& reason) override { throw std::runtime_error(reason); }
  void OnWake(std::optional<std::string_view>) override {}
  void OnStop() override {}
  void OnSettings(const engine::WorkerSettings&) override {}

  bool connected = false;
};

// A store and its loop.
struct Worker {
  Worker(std::unique_ptr<store::StoreChannel> channel, http::EpollReactor& loop,
         const std::string& key, const engine::Clock& clock, engine::LogSink& log)
      : reactor(loop),
        store(std::move(channel), {key, "standalone", getpid(), "contract", "0"}, clock, log) {
    store.SetListener(&listener);
    for (int i = 0; i < 500 && !listener.connected; ++i) Pump();
    if (!listener.connected) throw std::runtime_error("cannot connect worker " + key);
  }
  void Pump() {
    store.Work();
    reactor.Wait(std::chrono::milliseconds(10));
  }

  http::EpollReactor& reactor;
  Waiting listener;
  store::JsonQueueStore store;
};

enum class Way { kLibpq, kRelay, kBackgroundWorker };

class SqlHarness final : public StoreHarness {
 public:
  explicit SqlHarness(Way way) : dsn_(Environment("SB_CONTRACT_DSN")), way_(way), session_(dsn_) {
    session_.Value(
        "INSERT INTO switchboard.tenants (id, name) VALUES ($1, 'contract') "
        "ON CONFLICT DO NOTHING",
        {kTenant});
    // The tests run at any hour.
    session_.Value(
        "INSERT INTO switchboard.compliance_overrides (tenant_id, rule, parameters, reason) "
        "SELECT $1, 'calling_window', '{\"start\": \"00:00\", \"end\": \"24:00\"}', 'test' "
        "WHERE NOT EXISTS (SELECT FROM switchboard.compliance_overrides WHERE tenant_id = $1)",
        {kTenant});
    session_.Value("DELETE FROM switchboard.worker_registry WHERE host = 'contract'");
    session_.Value("DELETE FROM switchboard.jobs WHERE tenant_id = $1", {kTenant});
    session_.Value("DELETE FROM switchboard.provider_accounts WHERE tenant_id = $1", {kTenant});
    for (int i = 0; i < 2; ++i) {
      session_.Value(
          "INSERT INTO switchboard.provider_accounts (id, tenant_id, provider, name) "
          "VALUES ($1, $2, 'twilio', $1::uuid::text)",
          {Account(i), kTenant});
    }
    if (way == Way::kRelay) {
      relay_ =
          std::make_unique<Relay>("/tmp/sb_contract." + std::to_string(getpid()) + ".sock", dsn_);
    }
  }

  engine::QueueStore& Main() override {
    if (way_ == Way::kBackgroundWorker) return BackgroundWorker().store;
    if (!main_) main_ = MakeWorker(way_, "contract-main");
    return main_->store;
  }
  engine::QueueStore& Other() override {
    if (!other_) other_ = MakeWorker(Way::kLibpq, "contract-other");
    return other_->store;
  }
  void KillOther() override {
    other_.reset();
    // The server notices the end of a session a moment later.
    while (session_.Value("SELECT count(*) FROM pg_stat_activity WHERE application_name = "
                          "'switchboard-worker' AND query LIKE '%_worker_%' AND pid <> "
                          "pg_backend_pid() AND backend_type = 'client backend'") !=
           (way_ == Way::kLibpq && main_ ? "1" : "0")) {
      usleep(1000);
    }
  }
  void Pump() override {
    if (way_ == Way::kBackgroundWorker) BackgroundWorker().Pump();
    if (main_) main_->Pump();
    if (other_) other_->Pump();
  }

  std::string AddJob(const JobSpec& spec) override {
    return session_.Value(
        "INSERT INTO switchboard.jobs (tenant_id, kind, account_id, payload, priority, "
        "max_attempts, "
        "run_at) VALUES ($1, $2, $3, '{\"to\": \"+12025550123\", \"text\": \"a\\u00e9\\\"b\"}', "
        "$4, "
        "$5, clock_timestamp() + $6::int * interval '1 ms') RETURNING id",
        {kTenant, spec.kind, Account(spec.account), std::to_string(spec.priority),
         std::to_string(spec.max_attempts), std::to_string(spec.delay.count())});
  }
  std::string Account(int number) const override {
    return "00000000-0000-7000-8000-0000c000000" + std::to_string(number + 1);
  }
  std::string State(const std::string& job) override {
    return session_.Value("SELECT state FROM switchboard.jobs WHERE id = $1", {job});
  }
  int Attempt(const std::string& job) override {
    return std::stoi(session_.Value("SELECT attempt FROM switchboard.jobs WHERE id = $1", {job}));
  }

 private:
  std::unique_ptr<Worker> MakeWorker(Way way, const std::string& key) {
    std::unique_ptr<store::StoreChannel> channel;
    if (way == Way::kLibpq) {
      channel = std::make_unique<store::LibpqChannel>(dsn_, reactor_, clock_, random_, log_);
    } else {
      channel = std::make_unique<store::SocketChannel>(relay_->path(), reactor_, clock_);
    }
    return std::make_unique<Worker>(std::move(channel), reactor_, key, clock_, log_);
  }

  // A background worker takes its child to be the same process from beginning to end.
  static Worker& BackgroundWorker() {
    static engine::SystemClock clock;
    static SilentLog log;
    static http::EpollReactor reactor;
    static Worker worker(
        std::make_unique<store::SocketChannel>(Environment("SB_CONTRACT_SOCKET"), reactor, clock),
        reactor, Environment("SB_CONTRACT_WORKER"), clock, log);
    return worker;
  }

  std::string dsn_;
  Way way_;
  Connection session_;
  engine::SystemClock clock_;
  core::SystemRandom random_;
  SilentLog log_;
  http::EpollReactor reactor_;
  std::unique_ptr<Relay> relay_;
  std::unique_ptr<Worker> main_;
  std::unique_ptr<Worker> other_;
};

}  // namespace

std::vector<HarnessMaker> SqlHarnessMakers() {
  const auto maker = [](Way way) { return [way] { return std::make_unique<SqlHarness>(way); }; };
  if (Environment("SB_CONTRACT_DSN").empty()) return {};
  if (!Environment("SB_CONTRACT_SOCKET").empty()) {
    return {{"BackgroundWorker", maker(Way::kBackgroundWorker)}};
  }
  return {{"Libpq", maker(Way::kLibpq)}, {"Relay", maker(Way::kRelay)}};
}

}  // namespace switchboard::testing
