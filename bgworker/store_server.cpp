#include "bgworker/store_server.hpp"

#include <algorithm>
#include <iterator>
#include <span>

#include "extension/pg/transaction.hpp"
#include "extension/pg/worker_process.hpp"
#include "workers/core/errors.hpp"
#include "workers/core/json.hpp"
#include "workers/core/utf8.hpp"

namespace switchboard::bgworker {
namespace {

using core::FrameOp;

struct Request {
  FrameOp op;
  const char* activity;
  pg::SqlStatement statement;
};

// Planned once per process; a plan survives rollbacks and the extension's being created again.
constinit Request requests[] = {
    {FrameOp::kHello, "hello", {"SELECT switchboard._worker_hello($1::json)", 1}},
    {FrameOp::kTurn, "turn", {"SELECT switchboard._worker_turn($1::json)", 1}},
    {FrameOp::kNoteSending,
     "note sending",
     {"SELECT switchboard._worker_note_sending($1::json)", 1}},
    {FrameOp::kRenew, "renew", {"SELECT switchboard._worker_renew($1::json)", 1}},
    {FrameOp::kRelease, "release", {"SELECT switchboard._worker_release($1::json)", 1}},
    {FrameOp::kFree, "free", {"SELECT switchboard._worker_free($1::json)", 1}},
    {FrameOp::kGoodbye, "goodbye", {"SELECT switchboard._worker_goodbye($1::json)", 1}},
};
constinit pg::SqlStatement settings_statement{"SELECT switchboard._worker_settings()", 0};
constinit pg::SqlStatement announce_statement{
    "SELECT switchboard._announce_events($1::json, false)", 1};

Request& FindRequest(FrameOp op) {
  const auto found = std::find_if(std::begin(requests), std::end(requests),
                                  [op](const Request& request) { return request.op == op; });
  if (found == std::end(requests)) {
    throw core::FrameError("the frame '" + std::string(1, static_cast<char>(op)) +
                           "' is no request");
  }
  return *found;
}

// pg_stat_activity shows the activity for as long as the object lives.
class Activity {
 public:
  explicit Activity(const char* text) { pg::ReportActivity(text); }
  ~Activity() {
    try {
      pg::ReportActivity(nullptr);
    } catch (...) {
      std::terminate();
    }
  }
  Activity(const Activity&) = delete;
  Activity& operator=(const Activity&) = delete;
};

std::string SingleValue(pg::SqlStatement& statement, std::span<const pg::SqlValue> parameters,
                        std::chrono::milliseconds limit) {
  const pg::StatementLimit statement_limit(limit);
  const pg::SpiSession session;
  const std::vector<pg::SqlRow> rows = statement.Run(parameters);
  return rows.empty() ? "null" : rows[0][0].value_or("null");
}

}  // namespace

std::string StoreServer::Serve(FrameOp op, std::string_view body) {
  Request& request = FindRequest(op);
  if (!core::IsValidUtf8(body)) {
    throw core::BadArgument("invalid byte sequence in a request");
  }
  const std::string text(body);
  return Run(request.activity, request.statement, &text);
}

std::string StoreServer::FreeClaims(const std::string& worker_key) {
  return Serve(FrameOp::kFree, "{\"worker\":" + core::JsonQuote(worker_key) + "}");
}

std::string StoreServer::Settings() { return Run("settings", settings_statement, nullptr); }

std::string StoreServer::AnnounceEvents(const std::string& known) {
  return Run("announce events", announce_statement, &known);
}

std::string StoreServer::Run(const char* activity, pg::SqlStatement& statement,
                             const std::string* request) {
  const Activity shown(activity);
  pg::WorkerTransaction transaction;
  const pg::SqlValue parameter = request != nullptr ? pg::SqlValue(*request) : std::nullopt;
  std::string reply =
      SingleValue(statement, std::span(&parameter, request != nullptr ? 1 : 0), limit_);
  transaction.Commit();
  return reply;
}

}  // namespace switchboard::bgworker
