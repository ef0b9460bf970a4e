// What streams of events ask the database: who is listening, and pages of the feed. Two connections
// of their own, so that neither requests nor those who read old events delay what is new: the live
// one listens for news and reads them, the other one does the rest, first come, first served.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "workers/gateway/async_connection.hpp"
#include "workers/gateway/event_frame.hpp"

namespace switchboard::gateway {

struct IdentityAnswer {
  enum class Kind { kKnown, kRefused, kUnavailable };
  Kind kind = Kind::kUnavailable;
  Viewer viewer;                                             // kKnown
  std::vector<std::pair<std::string, std::string>> headers;  // kKnown: of HTTP, for the answer
  unsigned status = 0;                                       // kRefused: of HTTP
  std::string reason;                                        // kRefused: for the client
};

struct FeedPage {
  bool ok = false;  // the database answered
  std::vector<FramePointer> frames;
  std::size_t bytes = 0;            // of these
  bool full = false;                // there may be more
  std::optional<std::int64_t> gap;  // events are missing up to here; the frames follow it
};

class EventDatabase {
 public:
  using Log = std::function<void(const std::string&)>;
  struct Handlers {
    std::function<void(std::string_view tenant, std::int64_t seq)> news;
    std::function<void()> connected;  // the live connection is back: news may have been missed
  };
  enum class Lane { kLive, kOther };

  EventDatabase(boost::asio::io_context& io, const std::string& dsn, Handlers handlers, Log log);
  ~EventDatabase();
  EventDatabase(const EventDatabase&) = delete;
  EventDatabase& operator=(const EventDatabase&) = delete;

  // Headers and query as JSON objects, as handle_http() takes them. Never calls back from inside.
  void Identify(std::string headers_json, std::string query_json,
                std::function<void(IdentityAnswer)> done);

  // Up to `max_rows` events after a position and, if it is known, up to another one that can be
  // read. Never calls back from inside.
  void ReadPage(Lane lane, std::string tenant, std::int64_t after, std::optional<std::int64_t> upto,
                int max_rows, std::function<void(FeedPage)> done);

  // Where a new reader starts; nothing when the database did not answer.
  void ReadPosition(std::string tenant, std::function<void(std::optional<std::int64_t>)> done);

  // Gives up what has waited too long for a connection; to be called every second or so.
  void ExpireWaiting();

 private:
  struct Call {
    const char* statement = nullptr;
    std::vector<std::optional<std::string>> arguments;
    std::function<void(const PGresult*)> done;  // null: no answer
    std::chrono::steady_clock::time_point deadline;
  };
  struct Line {
    std::shared_ptr<AsyncConnection> connection;
    std::deque<Call> waiting;
    bool opened = false;  // it is when it is first needed
  };

  Line& LineOf(Lane lane) { return lines_[lane == Lane::kLive ? 0 : 1]; }
  void Enqueue(Lane lane, const char* statement, std::vector<std::optional<std::string>> arguments,
               std::function<void(const PGresult*)> done);
  void Dispatch(Lane lane);
  void OnAnswer(Lane lane, Call call, const PGresult* result);
  void OnNotification(std::string_view payload);

  boost::asio::io_context& io_;
  Handlers handlers_;
  Log log_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what is posted
  std::array<Line, 2> lines_;
};

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
