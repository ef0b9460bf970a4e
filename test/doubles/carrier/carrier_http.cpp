#include "test/doubles/carrier/carrier_http.hpp"

#include <strings.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <optional>

namespace switchboard::carrier {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using Error = boost::system::error_code;

constexpr std::uint64_t kMaxRequestBytes = 16 << 20;
constexpr std::size_t kHugePiece = 64 << 10;

Request Convert(http::request<http::string_body>&& message) {
  Request request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& field : message) {
    request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  request.body = std::move(message.body());
  return request;
}

// One connection: reads a request, answers it (or spoils the answer), reads the next.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const std::function<Answer(const Request&)>& handle,
          const bool& stopping)
      : socket_(std::move(socket)),
        timer_(socket_.get_executor()),
        handle_(handle),
        stopping_(stopping) {
    socket_.set_option(tcp::no_delay(true));
  }

  void Read() {
    parser_.emplace();
    parser_->body_limit(kMaxRequestBytes);
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](Error error, std::size_t) {
                       if (!error) self->Handle();
                     });
  }

 private:
  void Handle() {
    keep_alive_ = parser_->get().keep_alive() && !stopping_;
    answer_ = handle_(Convert(parser_->release()));
    if (answer_.delay.count() == 0) return Deliver();
    timer_.expires_after(answer_.delay);
    timer_.async_wait([self = shared_from_this()](Error error) {
      if (!error) self->Deliver();
    });
  }

  void Deliver() {
    switch (answer_.fault) {
      case Fault::kResetBefore:
      case Fault::kResetAfter:
        return Reset();
      case Fault::kHang:
      case Fault::kHangBefore:
        return WaitForPeer();
      case Fault::kHalfBody:
        return WriteHalf();
      case Fault::kHugeBody:
        return WriteHuge();
      default:
        return Write();
    }
  }

  http::response<http::string_body> Response() {
    http::response<http::string_body> response(http::int_to_status(answer_.status), 11);
    response.result(static_cast<unsigned>(answer_.status));
    response.set(http::field::content_type, answer_.content_type);
    for (const auto& [name, value] : answer_.headers) response.set(name, value);
    response.keep_alive(keep_alive_);
    response.body() = std::move(answer_.body);
    response.prepare_payload();
    return response;
  }

  void Write() {
    response_ = Response();
    http::async_write(socket_, response_, [self = shared_from_this()](Error error, std::size_t) {
      if (error) return;
      if (self->keep_alive_) return self->Read();
      Error ignored;
      self->socket_.shutdown(tcp::socket::shutdown_send, ignored);
    });
  }

  // A reset instead of an orderly end: what is unsent is thrown away.
  void Reset() {
    Error ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
  }

  // Holds the connection open without a word until the peer gives up.
  void WaitForPeer() {
    socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](Error) {});
  }

  void WriteRaw(std::string text, std::function<void()> then) {
    raw_ = std::move(text);
    asio::async_write(
        socket_, asio::buffer(raw_),
        [self = shared_from_this(), then = std::move(then)](Error error, std::size_t) {
          if (!error) then();
        });
  }

  std::string RawHead(std::int64_t length) const {
    return "HTTP/1.1 " + std::to_string(answer_.status) +
           " Spoiled\r\nContent-Type: " + answer_.content_type +
           "\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
  }

  void WriteHalf() {
    const std::string half = answer_.body.substr(0, answer_.body.size() / 2);
    WriteRaw(RawHead(static_cast<std::int64_t>(answer_.body.size())) + half, [this] {
      Error ignored;
      socket_.close(ignored);
    });
  }

  void WriteHuge() {
    huge_left_ = answer_.huge_bytes;
    WriteRaw(RawHead(huge_left_), [this] { WriteHugePiece(); });
  }

  void WriteHugePiece() {
    if (huge_left_ <= 0) return;
    const std::size_t piece = std::min<std::size_t>(kHugePiece, huge_left_);
    huge_left_ -= static_cast<std::int64_t>(piece);
    WriteRaw(std::string(piece, 'x'), [this] { WriteHugePiece(); });
  }

  tcp::socket socket_;
  asio::steady_timer timer_;
  const std::function<Answer(const Request&)>& handle_;
  const bool& stopping_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
  Answer answer_;
  bool keep_alive_ = true;
  std::string raw_;
  std::int64_t huge_left_ = 0;
};

}  // namespace

std::string_view FindHeader(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (key.size() == name.size() && strncasecmp(key.data(), name.data(), name.size()) == 0) {
      return value;
    }
  }
  return {};
}

class HttpServer::Listener : public std::enable_shared_from_this<Listener> {
 public:
  Listener(asio::io_context& io, const std::string& address, unsigned short port,
           std::function<Answer(const Request&)> handle)
      : acceptor_(io, tcp::endpoint(asio::ip::make_address(address), port)),
        handle_(std::move(handle)) {}

  void Accept() {
    acceptor_.async_accept([self = shared_from_this()](Error error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      // A failure here is that of one connection (or of descriptors running out for a moment).
      if (!error)
        std::make_shared<Session>(std::move(socket), self->handle_, self->stopping_)->Read();
      self->Accept();
    });
  }

  unsigned short port() const { return acceptor_.local_endpoint().port(); }

  void Stop() {
    stopping_ = true;
    Error ignored;
    acceptor_.close(ignored);
  }

 private:
  tcp::acceptor acceptor_;
  std::function<Answer(const Request&)> handle_;
  bool stopping_ = false;
};

HttpServer::HttpServer(asio::io_context& io, const std::string& address, unsigned short port,
                       std::function<Answer(const Request&)> handle)
    : listener_(std::make_shared<Listener>(io, address, port, std::move(handle))) {
  listener_->Accept();
}

HttpServer::~HttpServer() { Stop(); }

unsigned short HttpServer::port() const { return listener_->port(); }

void HttpServer::Stop() { listener_->Stop(); }

}  // namespace switchboard::carrier
