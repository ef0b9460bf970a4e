#include "workers/gateway/http_session.hpp"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <iterator>
#include <utility>

#include "workers/core/uuid.hpp"
#include "workers/gateway/static_files.hpp"

namespace switchboard::gateway {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::asio::ip::tcp;
using std::chrono::steady_clock;

constexpr std::size_t kFirstRead = 4096;
constexpr std::size_t kBodyRead = 64 * 1024;
constexpr std::size_t kMostFields = 100;
constexpr std::chrono::seconds kLingerTimeout{2};
constexpr std::size_t kMostDrained = 16 * 1024 * 1024;

// Of verbs we know; others are the client's own words and do not belong into a log.
std::string_view MethodName(http::verb verb) {
  if (verb == http::verb::unknown) {
    return "other";
  }
  const auto name = http::to_string(verb);
  return {name.data(), name.size()};
}

// Statuses whose answers end with the header (RFC 9112 section 6.3).
bool MayHaveBody(http::status status) {
  return http::to_status_class(status) != http::status_class::informational &&
         status != http::status::no_content && status != http::status::not_modified;
}

// Lengths and encodings that two servers in a row might read in two ways.
bool IsFramedPlainly(const HttpRequest& request) {
  const auto encoding = request.find(http::field::transfer_encoding);
  if (encoding == request.end()) {
    return true;
  }
  return request.version() == 11 && request.count(http::field::transfer_encoding) == 1 &&
         request.count(http::field::content_length) == 0 &&
         beast::iequals(encoding->value(), "chunked");
}

}  // namespace

HttpSession::HttpSession(std::shared_ptr<ServerState> state, tcp::socket socket,
                         ConnectionSlot slot, Address peer)
    : state_(std::move(state)),
      socket_(std::move(socket)),
      slot_(std::move(slot)),
      peer_(std::move(peer)),
      waiting_at_(state_->waiting.end()),
      // What the parser cannot take yet stays here: a chunk's extension or a trailer has no limit.
      buffer_(state_->options.header_bytes + kBodyRead) {
  state_->sessions.insert(this);
}

HttpSession::~HttpSession() {
  LeaveWaiting();
  state_->sessions.erase(this);
}

// A step that waits for the client: it takes the last place among those who wait.
void HttpSession::Enter(Step step, steady_clock::duration deadline) {
  step_ = step;
  deadline_ = steady_clock::now() + deadline;
  LeaveWaiting();
  waiting_at_ = state_->waiting.insert(state_->waiting.end(), this);
}

// The pool bounds the time the database may take.
void HttpSession::EnterAsking() {
  step_ = Step::kAsking;
  deadline_ = steady_clock::time_point::max();
  LeaveWaiting();
}

void HttpSession::LeaveWaiting() {
  if (waiting_at_ != state_->waiting.end()) {
    state_->waiting.erase(std::exchange(waiting_at_, state_->waiting.end()));
  }
}

void HttpSession::CloseWhenLate(steady_clock::time_point now) {
  if (now < deadline_) {
    return;
  }
  if (step_ == Step::kReading) {
    NameRequest();
    WriteLog(408, 0);
  } else if (step_ == Step::kWriting) {
    WriteLog(response_.result_int(), 0);
  }
  Close();
}

void HttpSession::CloseWhenIdle() {
  if (step_ == Step::kIdle) {
    Close();
  }
}

// What is under way is cancelled; the session ends when its handlers have run.
void HttpSession::Close() {
  Error ignored;
  step_ = Step::kClosed;
  deadline_ = steady_clock::time_point::max();
  LeaveWaiting();
  socket_.shutdown(tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
  slot_.reset();
}

// Without a buffer and a parser, of which a connection that only waits has no need. A new
// connection must soon send its first bytes, a kept one may rest for a while.
void HttpSession::AwaitRequest() {
  if (state_->stopping) {
    return Close();
  }
  parser_.reset();
  if (buffer_.size() > 0) {
    return BeginRequest();
  }
  buffer_.shrink_to_fit();
  Enter(Step::kIdle,
        requests_ == 0 ? state_->options.header_timeout : state_->options.idle_timeout);
  socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](Error error) {
    if (!error && self->step_ == Step::kIdle) {
      self->BeginRequest();
    }
  });
}

void HttpSession::BeginRequest() {
  ++requests_;
  began_ = steady_clock::now();
  header_taken_ = false;
  keep_alive_ = false;
  is_head_ = false;
  is_read_ = true;
  version_ = 11;
  route_.clear();
  parser_.emplace();
  parser_->eager(true);
  parser_->header_limit(static_cast<std::uint32_t>(state_->options.header_bytes));
  parser_->body_limit(state_->options.body_bytes);
  Enter(Step::kReading, state_->options.header_timeout);
  buffer_.reserve(kFirstRead);
  Read();
}

void HttpSession::Read() {
  http::async_read_some(
      socket_, buffer_, *parser_,
      [self = shared_from_this()](Error error, std::size_t) { self->OnRead(error); });
}

void HttpSession::OnRead(Error error) {
  if (step_ != Step::kReading) {
    return;
  }
  if (error) {
    return RefuseUnreadable(error);
  }
  if (!parser_->is_header_done()) {
    return Read();
  }
  if (!header_taken_ && !TakeHeader()) {
    return;
  }
  if (!slot_->KeepBytes(parser_->get().body().size())) {
    return Refuse(503, "Service Unavailable", "too much is being received at once");
  }
  if (parser_->is_done()) {
    return Serve();
  }
  const auto received = parser_->get().body().size();
  deadline_ = began_ + state_->options.header_timeout +
              std::chrono::milliseconds(received * 1000 / state_->options.min_rate);
  Read();
}

// What is to be known before the body comes. False when something else goes on.
bool HttpSession::TakeHeader() {
  header_taken_ = true;
  const HttpRequest& request = parser_->get();
  keep_alive_ = request.keep_alive() && requests_ < state_->options.max_requests;
  version_ = request.version();
  is_head_ = request.method() == http::verb::head;
  NameRequest();
  if (!AcceptsHeader() || !AcceptsClient()) {
    return false;
  }
  if (parser_->is_done()) {
    return true;
  }
  buffer_.reserve(kBodyRead);
  if (beast::iequals(request[http::field::expect], "100-continue")) {
    SendContinue();
    return false;
  }
  return true;
}

void HttpSession::NameRequest() {
  const HttpRequest& request = parser_->get();
  method_ = MethodName(request.method());
  const auto given = request["X-Request-Id"];
  const std::string_view id(given.data(), given.size());
  request_id_ = IsRequestId(id) ? std::string(id)
                                : core::FormatUuid(core::UuidV7(std::chrono::system_clock::now()));
  const std::string addresses = JoinedHeader(request, "X-Forwarded-For");
  const std::string proto = JoinedHeader(request, "X-Forwarded-Proto");
  const std::string host = JoinedHeader(request, "X-Forwarded-Host");
  client_ = FindClient(peer_, state_->options.trusted_proxies, {addresses, proto, host});
}

bool HttpSession::AcceptsHeader() {
  const HttpRequest& request = parser_->get();
  if (static_cast<std::size_t>(std::distance(request.begin(), request.end())) > kMostFields) {
    Refuse(431, "Request Header Fields Too Large", "the header has too many fields");
    return false;
  }
  if (!IsFramedPlainly(request)) {
    Refuse(400, "Bad Request", "the body's length is not given plainly");
    return false;
  }
  if (request.count(http::field::host) > 1 ||
      (request.version() == 11 && request.count(http::field::host) == 0)) {
    Refuse(400, "Bad Request", "a request has one host");
    return false;
  }
  return true;
}

// A connection from a proxy counts for the client of the request that is on it.
bool HttpSession::AcceptsClient() {
  if (client_.proxied && !slot_->CountFor(client_.address)) {
    Refuse(429, "Too Many Requests", "this address has too many requests under way");
    return false;
  }
  return true;
}

void HttpSession::SendContinue() {
  interim_ = http::response<http::empty_body>(http::status::continue_, 11);
  http::async_write(socket_, interim_, [self = shared_from_this()](Error error, std::size_t) {
    if (!error) {
      self->OnRead({});
    }
  });
}

void HttpSession::Serve() {
  HttpRequest& request = parser_->get();
  auto target = ParseTarget({request.target().data(), request.target().size()});
  if (!target) {
    return Answer(Problem(400, "Bad Request", "the request target is malformed"), Content::kApi,
                  {});
  }
  if (const StaticFile* file = FindStaticFile(target->path)) {
    return ServeFile(*file);
  }
  if (state_->streams != nullptr && state_->streams->Wants(request, target->path)) {
    return ServeStream(std::move(*target));
  }
  EnterAsking();
  AskDatabase(std::move(*target));
}

void HttpSession::ServeFile(const StaticFile& file) {
  const HttpRequest& request = parser_->get();
  std::string route = '/' + std::string(file.name);
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    HttpResponse refusal = Problem(405, "Method Not Allowed", "a file can only be read");
    refusal.set(http::field::allow, "GET, HEAD");
    return Answer(std::move(refusal), Content::kApi, std::move(route));
  }
  HttpResponse response;
  response.set(http::field::etag, beast::string_view(file.etag.data(), file.etag.size()));
  if (JoinedHeader(request, "If-None-Match").find(file.etag) != std::string::npos) {
    response.result(http::status::not_modified);
  } else {
    const std::string_view type = ContentTypeOf(file.name);
    response.set(http::field::content_type, beast::string_view(type.data(), type.size()));
    response.body() = file.content;
  }
  Answer(std::move(response), Content::kPage, std::move(route));
}

// The connection with all that belongs to it goes; the session ends here.
void HttpSession::ServeStream(RequestTarget target) {
  EnterAsking();
  HttpRequest request = parser_->release();
  parser_.reset();
  route_ = target.path;
  DatabaseRequest call = ToDatabaseRequest(request, std::move(target), client_, request_id_);
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& [name, value] : SecurityHeaders(Content::kApi, client_)) {
    headers.emplace_back(name, value);
  }
  headers.emplace_back("X-Request-Id", request_id_);
  state_->streams->Take(
      StreamRequest{beast::tcp_stream(std::move(socket_)), std::move(buffer_), std::move(request),
                    std::move(call), client_, request_id_, std::move(headers), std::move(*slot_),
                    [self = shared_from_this()](unsigned status, std::uint64_t bytes) {
                      self->WriteLog(status, bytes);
                    }});
}

void HttpSession::AskDatabase(RequestTarget target) {
  DatabaseRequest call = ToDatabaseRequest(parser_->get(), std::move(target), client_, request_id_);
  state_->database->Run(std::move(call), [self = shared_from_this()](DatabaseReply reply) {
    if (reply.kind != DatabaseReply::Kind::kAnswer) {
      self->state_->log("request " + self->request_id_ + " failed: " + reply.error);
    }
    HttpAnswer answer = ToHttpAnswer(std::move(reply));
    self->Answer(std::move(answer.response), Content::kApi, std::move(answer.route));
  });
}

void HttpSession::RefuseUnreadable(Error error) {
  if (error == http::error::header_limit) {
    return Refuse(431, "Request Header Fields Too Large", "the header is too large");
  }
  if (error == http::error::body_limit) {
    return Refuse(413, "Content Too Large", "the body is too large");
  }
  if (error == http::error::buffer_overflow) {
    return Refuse(400, "Bad Request", "a chunk's header or the trailer is too large");
  }
  if (error.category() == make_error_code(http::error::bad_method).category() &&
      error != http::error::end_of_stream && error != http::error::partial_message) {
    return Refuse(400, "Bad Request", "the request is not valid HTTP");
  }
  Close();
}

// For what was not read to its end: the connection cannot be used any more.
void HttpSession::Refuse(unsigned status, std::string_view title, std::string_view detail) {
  keep_alive_ = false;
  is_read_ = false;
  if (!header_taken_) {
    NameRequest();
  }
  parser_.reset();
  Answer(Problem(status, title, detail), Content::kApi, {});
}

void HttpSession::Answer(HttpResponse response, Content content, std::string route) {
  if (step_ == Step::kClosed) {
    return;
  }
  route_ = std::move(route);
  response_ = std::move(response);
  response_.version(version_);
  response_.keep_alive(keep_alive_ && !state_->stopping);
  for (const auto& [name, value] : SecurityHeaders(content, client_)) {
    if (name != "Cache-Control" || response_.count(http::field::cache_control) == 0) {
      response_.set(beast::string_view(name.data(), name.size()),
                    beast::string_view(value.data(), value.size()));
    }
  }
  response_.set("X-Request-Id", request_id_);
  response_.set(http::field::date, state_->date);
  PreparePayload();
  const std::size_t size = response_.body().size();
  slot_->KeepBytes(size);
  Enter(Step::kWriting,
        state_->options.write_timeout + std::chrono::seconds(size / state_->options.min_rate));
  http::async_write(socket_, response_, [self = shared_from_this()](Error error, std::size_t) {
    self->OnWritten(error);
  });
}

// An answer to HEAD announces the length of the answer to GET where that is known.
void HttpSession::PreparePayload() {
  if (!MayHaveBody(response_.result())) {
    response_.body().clear();
  } else if (!is_head_ || !response_.body().empty()) {
    response_.prepare_payload();
  }
  if (is_head_) {
    response_.body().clear();
  }
}

void HttpSession::OnWritten(Error error) {
  if (step_ != Step::kWriting) {
    return;
  }
  WriteLog(response_.result_int(), response_.body().size());
  response_ = {};
  slot_->KeepBytes(0);
  if (client_.proxied) {
    slot_->CountForNobody();
  }
  if (error) {
    return Close();
  }
  if (keep_alive_ && !state_->stopping) {
    return AwaitRequest();
  }
  if (is_read_) {
    return Close();
  }
  Linger();
}

void HttpSession::Linger() {
  if (step_ != Step::kLingering) {
    Error ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    Enter(Step::kLingering, kLingerTimeout);
    parser_.reset();
  }
  buffer_.clear();
  socket_.async_read_some(buffer_.prepare(kFirstRead),
                          [self = shared_from_this()](Error error, std::size_t bytes) {
                            self->drained_ += bytes;
                            if (self->step_ != Step::kLingering) {
                              return;
                            }
                            if (error || self->drained_ > kMostDrained) {
                              return self->Close();
                            }
                            self->Linger();
                          });
}

void HttpSession::WriteLog(unsigned status, std::uint64_t bytes) const {
  state_->access_log->Write(
      {request_id_, method_, route_, status, bytes,
       std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - began_),
       client_.address});
}

}  // namespace switchboard::gateway
