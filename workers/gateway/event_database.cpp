#include "workers/gateway/event_database.hpp"

#include <boost/asio/post.hpp>
#include <cstdlib>
#include <utility>

#include "workers/core/json.hpp"

namespace switchboard::gateway {
namespace {

constexpr char kIdentify[] = "identify";
constexpr char kPage[] = "page";
constexpr char kPosition[] = "position";
constexpr char kIdentifySql[] =
    "SELECT tenant_id, user_id, supervisor, extract(epoch FROM expires_at),"
    " switchboard._cors_headers($1::jsonb ->> 'origin')"
    " FROM switchboard._stream_identity($1, $2)";
// Times as to_json prints them, which is how the routes of handle_http() print them too.
constexpr char kPageSql[] =
    "SELECT seq, event, subject_id, user_id, data, to_json(created_at)"
    " FROM switchboard._feed_page($1, $2, $3, $4)";
constexpr char kPositionSql[] = "SELECT switchboard._feed_position($1)";
constexpr char kGap[] = "feed-gap";
constexpr std::chrono::seconds kWaitTime{5};

std::string_view Field(const PGresult* result, int row, int column) {
  return {PQgetvalue(result, row, column),
          static_cast<std::size_t>(PQgetlength(result, row, column))};
}

std::int64_t IntegerField(const PGresult* result, int row, int column) {
  return std::strtoll(PQgetvalue(result, row, column), nullptr, 10);
}

std::string_view CodeOf(const PGresult* result) {
  const char* code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return code != nullptr ? code : "";
}

std::string MessageOf(const PGresult* result) {
  const char* message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  return message != nullptr ? message : "";
}

// For what is the client's doing; 0: it is not.
unsigned RefusalStatus(std::string_view code) {
  if (code.starts_with("28")) return 401;
  if (code == "42501") return 403;
  return code.starts_with("22") ? 400 : 0;
}

IdentityAnswer Refused(unsigned status, std::string reason) {
  IdentityAnswer answer;
  answer.kind = IdentityAnswer::Kind::kRefused;
  answer.status = status;
  answer.reason = std::move(reason);
  return answer;
}

IdentityAnswer ToIdentity(const PGresult* result) {
  if (result == nullptr) {
    return {};
  }
  if (PQresultStatus(result) != PGRES_TUPLES_OK) {
    const unsigned status = RefusalStatus(CodeOf(result));
    return status == 0 ? IdentityAnswer() : Refused(status, MessageOf(result));
  }
  if (PQntuples(result) != 1 || PQgetisnull(result, 0, 0)) {
    return Refused(401, "this needs an identity");
  }
  IdentityAnswer answer;
  answer.kind = IdentityAnswer::Kind::kKnown;
  answer.viewer.tenant_id = Field(result, 0, 0);
  answer.viewer.user_id = Field(result, 0, 1);
  answer.viewer.supervisor = Field(result, 0, 2) == "t";
  if (!PQgetisnull(result, 0, 3)) {
    answer.viewer.expires_at = std::strtod(PQgetvalue(result, 0, 3), nullptr);
  }
  if (const auto headers = core::TryParseJson(Field(result, 0, 4));
      headers && headers->IsObject()) {
    for (const auto& header : headers->GetObject()) {
      answer.headers.emplace_back(header.name.GetString(), core::AsString(header.value));
    }
  }
  return answer;
}

// A row "feed-gap" stands for events that are not there any more.
FeedPage ToPage(const PGresult* result, int max_rows) {
  FeedPage page;
  if (result == nullptr || PQresultStatus(result) != PGRES_TUPLES_OK) {
    return page;
  }
  page.ok = true;
  for (int row = 0; row < PQntuples(result); ++row) {
    const std::int64_t seq = IntegerField(result, row, 0);
    if (Field(result, row, 1) == kGap) {
      page.gap = seq;
      continue;
    }
    page.frames.push_back(std::make_shared<const EventFrame>(
        FeedRow{seq, Field(result, row, 1), Field(result, row, 2), Field(result, row, 3),
                Field(result, row, 4), Field(result, row, 5)}));
    page.bytes += page.frames.back()->sse().size();
  }
  page.full = page.frames.size() >= static_cast<std::size_t>(max_rows);
  return page;
}

}  // namespace

EventDatabase::EventDatabase(boost::asio::io_context& io, const std::string& dsn, Handlers handlers,
                             Log log)
    : io_(io), handlers_(std::move(handlers)), log_(std::move(log)) {
  for (const Lane lane : {Lane::kLive, Lane::kOther}) {
    AsyncConnection::Options options;
    options.dsn = dsn;
    options.statements = {{kPage, kPageSql}, {kPosition, kPositionSql}};
    if (lane == Lane::kLive) {
      options.application_name = "switchboard-gateway events";
      options.channel = "switchboard_events";
    } else {
      options.application_name = "switchboard-gateway listeners";
      options.statements.push_back({kIdentify, kIdentifySql});
    }
    AsyncConnection::Handlers on;
    on.idle = [this, lane] {
      if (lane == Lane::kLive) {
        handlers_.connected();
      }
      Dispatch(lane);
    };
    on.lost = [this](const std::string& why) { log_("events: " + why); };
    on.notified = [this](std::string_view payload) { OnNotification(payload); };
    LineOf(lane).connection =
        std::make_shared<AsyncConnection>(io, std::move(options), std::move(on));
  }
}

EventDatabase::~EventDatabase() {
  for (Line& line : lines_) {
    line.connection->Close();
  }
}

void EventDatabase::Identify(std::string headers_json, std::string query_json,
                             std::function<void(IdentityAnswer)> done) {
  Enqueue(Lane::kOther, kIdentify, {std::move(headers_json), std::move(query_json)},
          [done = std::move(done)](const PGresult* result) { done(ToIdentity(result)); });
}

void EventDatabase::ReadPage(Lane lane, std::string tenant, std::int64_t after,
                             std::optional<std::int64_t> upto, int max_rows,
                             std::function<void(FeedPage)> done) {
  // From the very beginning nothing is missing, whatever was removed since.
  std::optional<std::string> from = std::to_string(after);
  if (lane == Lane::kOther && after == 0) {
    from.reset();
  }
  std::optional<std::string> bound;
  if (upto) {
    bound = std::to_string(*upto);
  }
  Enqueue(lane, kPage,
          {std::move(tenant), std::move(from), std::to_string(max_rows), std::move(bound)},
          [done = std::move(done), max_rows](const PGresult* result) {
            done(ToPage(result, max_rows));
          });
}

void EventDatabase::ReadPosition(std::string tenant,
                                 std::function<void(std::optional<std::int64_t>)> done) {
  Enqueue(Lane::kLive, kPosition, {std::move(tenant)},
          [done = std::move(done)](const PGresult* result) {
            const bool ok = result != nullptr && PQresultStatus(result) == PGRES_TUPLES_OK;
            done(ok ? std::optional(IntegerField(result, 0, 0)) : std::nullopt);
          });
}

void EventDatabase::Enqueue(Lane lane, const char* statement,
                            std::vector<std::optional<std::string>> arguments,
                            std::function<void(const PGresult*)> done) {
  Line& line = LineOf(lane);
  line.waiting.push_back({statement, std::move(arguments), std::move(done),
                          std::chrono::steady_clock::now() + kWaitTime});
  if (!std::exchange(line.opened, true)) {
    line.connection->Open();
  }
  boost::asio::post(io_, [this, lane, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) {
      Dispatch(lane);
    }
  });
}

void EventDatabase::Dispatch(Lane lane) {
  Line& line = LineOf(lane);
  if (!line.connection->idle() || line.waiting.empty()) {
    return;
  }
  Call call = std::move(line.waiting.front());
  line.waiting.pop_front();
  std::vector<AsyncConnection::Parameter> parameters;
  for (const auto& argument : call.arguments) {
    parameters.push_back(argument ? AsyncConnection::Parameter::Text(*argument)
                                  : AsyncConnection::Parameter());
  }
  const char* statement = call.statement;
  line.connection->Run(statement, parameters, false,
                       [this, lane, call = std::move(call), alive = std::weak_ptr<bool>(alive_)](
                           const PGresult* result, const std::string&) mutable {
                         if (!alive.expired()) {
                           OnAnswer(lane, std::move(call), result);
                         }
                       });
}

void EventDatabase::OnAnswer(Lane lane, Call call, const PGresult* result) {
  if (result == nullptr && std::chrono::steady_clock::now() < call.deadline) {
    LineOf(lane).waiting.push_front(std::move(call));
    return;
  }
  if (result != nullptr && PQresultStatus(result) != PGRES_TUPLES_OK &&
      RefusalStatus(CodeOf(result)) == 0) {
    log_("events: " + std::string(CodeOf(result)) + " " + MessageOf(result));
  }
  call.done(result);
  Dispatch(lane);
}

void EventDatabase::ExpireWaiting() {
  const auto now = std::chrono::steady_clock::now();
  for (Line& line : lines_) {
    while (!line.waiting.empty() && line.waiting.front().deadline <= now) {
      const auto done = std::move(line.waiting.front().done);
      line.waiting.pop_front();
      done(nullptr);
    }
  }
}

void EventDatabase::OnNotification(std::string_view payload) {
  const auto news = core::TryParseJson(payload);
  if (!news) {
    return;
  }
  const auto tenant = core::FindString(*news, "tenant_id");
  const auto seq = core::FindInt(*news, "seq");
  if (tenant && seq) {
    handlers_.news(*tenant, *seq);
  }
}

}  // namespace switchboard::gateway
