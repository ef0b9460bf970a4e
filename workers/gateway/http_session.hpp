#pragma once
// One connection of the HTTP server: waiting for a request -> reading it -> asking the database ->
// writing -> waiting …
//
// Each step has a deadline, which the server's tick looks after; what ends a step in time sets the
// next one. A request that cannot be read is answered once, and the connection ends after what the
// client still sends has been read for a moment: closing at once would take the answer from it.

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "workers/gateway/http_server.hpp"
#include "workers/gateway/request_mapping.hpp"
#include "workers/gateway/response_headers.hpp"

namespace switchboard::gateway {

struct StaticFile;

class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(std::shared_ptr<ServerState> state, boost::asio::ip::tcp::socket socket,
              ConnectionSlot slot, Address peer);
  ~HttpSession();
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  void AwaitRequest();
  void CloseWhenLate(std::chrono::steady_clock::time_point now);
  void CloseWhenIdle();
  void Close();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Error = boost::beast::error_code;

  enum class Step { kIdle, kReading, kAsking, kWriting, kLingering, kClosed };

  void Enter(Step step, std::chrono::steady_clock::duration deadline);
  void EnterAsking();
  void LeaveWaiting();
  void BeginRequest();
  void Read();
  void OnRead(Error error);
  bool TakeHeader();
  bool AcceptsHeader();
  bool AcceptsClient();
  void NameRequest();
  void SendContinue();
  void Serve();
  void ServeFile(const StaticFile& file);
  void ServeStream(RequestTarget target);
  void AskDatabase(RequestTarget target);
  void RefuseUnreadable(Error error);
  void Refuse(unsigned status, std::string_view title, std::string_view detail);
  void Answer(HttpResponse response, Content content, std::string route);
  void PreparePayload();
  void OnWritten(Error error);
  void Linger();
  void WriteLog(unsigned status, std::uint64_t bytes) const;

  std::shared_ptr<ServerState> state_;
  boost::asio::ip::tcp::socket socket_;
  std::optional<ConnectionSlot> slot_;  // until the connection is closed
  Address peer_;
  Step step_ = Step::kAsking;
  std::list<HttpSession*>::iterator waiting_at_;  // the end: not in the list
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();
  boost::beast::flat_buffer buffer_;
  std::size_t requests_ = 0;

  // Of the request at hand.
  std::optional<Parser> parser_;
  std::chrono::steady_clock::time_point began_;
  Client client_;
  std::string request_id_;
  std::string_view method_;
  std::string route_;
  boost::beast::http::response<boost::beast::http::empty_body> interim_;
  HttpResponse response_;
  unsigned version_ = 11;
  bool header_taken_ = false;
  bool keep_alive_ = false;
  bool is_head_ = false;
  bool is_read_ = true;  // or refused with some of it still to come
  std::size_t drained_ = 0;
};

}  // namespace switchboard::gateway

#include "workers/core/no_server_header.hpp"
