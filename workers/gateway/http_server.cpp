#include "workers/gateway/http_server.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <optional>
#include <utility>

#include "workers/gateway/request_mapping.hpp"

namespace switchboard::gateway {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::asio::ip::tcp;

}  // namespace

// One connection: reading -> asking the database -> writing -> reading …; idle only between.
class HttpServer::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(HttpServer& server, tcp::socket socket)
      : server_(server),
        registry_(server.registry_),
        stream_(std::move(socket)),
        peer_(PeerAddress()) {
    registry_->sessions.insert(this);
  }

  ~Session() {
    registry_->sessions.erase(this);
    if (registry_->server != nullptr) {
      registry_->server->StopWhenEmpty();
    }
  }

  void ReadHeader() {
    if (server_.stopping_) {
      return Close();
    }
    busy_ = false;
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(server_.options_.header_bytes));
    parser_->body_limit(server_.options_.body_bytes);
    if (buffer_.size() > 0) {
      return ReadRequestHeader();
    }
    WatchIdle();
    stream_.socket().async_wait(tcp::socket::wait_read,
                                [self = shared_from_this()](beast::error_code error) {
                                  if (!error) {
                                    self->ReadRequestHeader();
                                  }
                                });
  }

  void CloseIfIdle() {
    if (!busy_) {
      Close();
    }
  }

  void Close() {
    beast::error_code ignored;
    idle_timer_.cancel();
    stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
    stream_.socket().close(ignored);
  }

 private:
  std::string PeerAddress() {
    beast::error_code error;
    const auto endpoint = stream_.socket().remote_endpoint(error);
    return error ? std::string() : endpoint.address().to_string();
  }

  // A kept connection may rest for a while, a new one must soon send its first bytes. The wait for
  // them is not covered by tcp_stream's own time-out.
  void WatchIdle() {
    idle_timer_.expires_after(first_ ? server_.options_.request_timeout
                                     : server_.options_.idle_timeout);
    first_ = false;
    idle_timer_.async_wait([weak = weak_from_this()](beast::error_code error) {
      const auto self = weak.lock();
      if (!error && self) {
        self->CloseIfIdle();
      }
    });
  }

  void ReadRequestHeader() {
    busy_ = true;
    idle_timer_.cancel();
    stream_.expires_after(server_.options_.request_timeout);
    http::async_read_header(stream_, buffer_, *parser_,
                            beast::bind_front_handler(&Session::OnHeader, shared_from_this()));
  }

  void OnHeader(beast::error_code error, std::size_t) {
    if (error) {
      return Refuse(error);
    }
    const auto length = parser_->content_length();
    if (length && *length > server_.options_.body_bytes) {
      return Refuse(http::error::body_limit);
    }
    if (beast::iequals(parser_->get()[http::field::expect], "100-continue")) {
      return SendContinue();
    }
    ReadBody();
  }

  void SendContinue() {
    interim_ = http::response<http::empty_body>(http::status::continue_, 11);
    http::async_write(stream_, interim_,
                      [self = shared_from_this()](beast::error_code error, std::size_t) {
                        if (!error) {
                          self->ReadBody();
                        }
                      });
  }

  void ReadBody() {
    http::async_read(stream_, buffer_, *parser_,
                     beast::bind_front_handler(&Session::OnRequest, shared_from_this()));
  }

  void OnRequest(beast::error_code error, std::size_t) {
    if (error) {
      return Refuse(error);
    }
    stream_.expires_never();  // the pool bounds the time the database may take
    const HttpRequest request = parser_->release();
    keep_alive_ = request.keep_alive();
    version_ = request.version();
    head_ = request.method() == http::verb::head;
    auto call = ToDatabaseRequest(request, peer_);
    if (!call) {
      return Write(Problem(400, "Bad Request", "the request target or a header is malformed"));
    }
    server_.database_.Run(std::move(*call), [self = shared_from_this()](DatabaseReply reply) {
      if (reply.kind != DatabaseReply::Kind::kAnswer) {
        self->server_.log_("request failed: " + reply.error);
      }
      self->Write(ToHttpResponse(reply));
    });
  }

  // What cannot be read as a request is answered once, then the connection ends.
  void Refuse(beast::error_code error) {
    keep_alive_ = false;
    if (error == http::error::header_limit) {
      return Write(Problem(431, "Request Header Fields Too Large", "the header is too large"));
    }
    if (error == http::error::body_limit) {
      return Write(Problem(413, "Content Too Large", "the body is too large"));
    }
    if (error == beast::error::timeout) {
      return Close();
    }
    if (error.category() == make_error_code(http::error::bad_method).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message) {
      return Write(Problem(400, "Bad Request", "the request is not valid HTTP"));
    }
    Close();
  }

  void Write(HttpResponse response) {
    response_ = std::move(response);
    response_.version(version_);
    response_.keep_alive(keep_alive_ && !server_.stopping_);
    response_.set(http::field::server, "pg_switchboard");
    response_.set("X-Content-Type-Options", "nosniff");
    response_.prepare_payload();
    if (head_) {
      response_.body().clear();  // the length of the GET answer stays announced
    }
    stream_.expires_after(server_.options_.write_timeout);
    http::async_write(stream_, response_,
                      beast::bind_front_handler(&Session::OnWritten, shared_from_this()));
  }

  void OnWritten(beast::error_code error, std::size_t) {
    if (error || response_.need_eof() || !response_.keep_alive()) {
      return Close();
    }
    ReadHeader();
  }

  HttpServer& server_;
  std::shared_ptr<Registry> registry_;
  beast::tcp_stream stream_;
  std::string peer_;
  boost::asio::steady_timer idle_timer_{stream_.get_executor()};
  beast::flat_buffer buffer_{1024 * 1024};
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::empty_body> interim_;
  HttpResponse response_;
  unsigned version_ = 11;
  bool keep_alive_ = false;
  bool head_ = false;
  bool first_ = true;
  bool busy_ = false;
};

HttpServer::HttpServer(boost::asio::io_context& io, ServerOptions options, DatabasePool& database,
                       Log log)
    : io_(io),
      options_(std::move(options)),
      database_(database),
      log_(std::move(log)),
      registry_(std::make_shared<Registry>(Registry{this, {}})),
      acceptor_(io, {boost::asio::ip::make_address(options_.address), options_.port}),
      stop_timer_(io) {
  Accept();
}

HttpServer::~HttpServer() { registry_->server = nullptr; }

std::uint16_t HttpServer::port() const { return acceptor_.local_endpoint().port(); }

void HttpServer::Accept() {
  acceptor_.async_accept([this](beast::error_code error, tcp::socket socket) {
    if (stopping_) {
      return;
    }
    if (!error && registry_->sessions.size() < options_.max_connections) {
      beast::error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      std::make_shared<Session>(*this, std::move(socket))->ReadHeader();
    }
    Accept();
  });
}

void HttpServer::StopWhenEmpty() {
  if (stopping_ && registry_->sessions.empty()) {
    io_.stop();
  }
}

void HttpServer::Stop() {
  if (stopping_) {
    return;
  }
  stopping_ = true;
  acceptor_.close();
  stop_timer_.expires_after(options_.stop_timeout);
  stop_timer_.async_wait([this](beast::error_code) { io_.stop(); });
  for (Session* session : std::unordered_set<Session*>(registry_->sessions)) {
    session->CloseIfIdle();
  }
  StopWhenEmpty();
}

}  // namespace switchboard::gateway
