#include "workers/gateway/event_websocket.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <utility>

namespace switchboard::gateway {
namespace {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

constexpr std::size_t kMessageBytes = 4096;  // of what they say, which is ignored
constexpr int kMessagesPerMinute = 120;
constexpr std::chrono::seconds kHandshake{5};
// Half of it without a word from them brings a ping, all of it the end.
constexpr std::chrono::seconds kSilence{30};

websocket::close_reason ReasonOf(bool refused) {
  if (refused) {
    return {websocket::close_code::policy_error, "these credentials are no longer good"};
  }
  return {websocket::close_code::going_away, "connect again"};
}

}  // namespace

WebSocketClient::WebSocketClient(StreamRequest request, Setup setup)
    : EventClient(std::move(request), std::move(setup), 101),
      socket_(std::move(EventClient::request().stream)) {}

std::shared_ptr<WebSocketClient> WebSocketClient::self() {
  return std::static_pointer_cast<WebSocketClient>(shared_from_this());
}

void WebSocketClient::Open() {
  websocket::stream_base::timeout limits;
  limits.handshake_timeout = kHandshake;
  limits.idle_timeout = kSilence;
  limits.keep_alive_pings = true;
  socket_.set_option(limits);
  socket_.read_message_max(kMessageBytes);
  socket_.auto_fragment(false);
  socket_.set_option(websocket::stream_base::decorator([this](websocket::response_type& response) {
    for (const auto& [name, value] : request().headers) {
      response.set(name, value);
    }
    response.set(beast::http::field::server, "switchboard");  // else Beast names itself and its version
  }));
  socket_.async_accept(request().request, [self = self()](beast::error_code error) {
    if (error) {
      return self->End(Ending::kGone);
    }
    self->Read();
    self->OnOpened();
  });
}

void WebSocketClient::SendGreeting() {
  greeting_ = std::make_shared<const EventFrame>(EventFrame::Notice("ready", position(), "{}"));
  const auto text = greeting_->json();
  socket_.async_write(boost::asio::buffer(text.data(), text.size()),
                      [self = self()](beast::error_code error, std::size_t bytes) {
                        if (error) {
                          return self->End(Ending::kGone);
                        }
                        self->OnSent(bytes);
                      });
}

void WebSocketClient::SendBatch() {
  next_ = 0;
  bytes_ = 0;
  SendNext();
}

void WebSocketClient::SendNext() {
  const auto text = batch().frames[next_++]->json();
  socket_.async_write(boost::asio::buffer(text.data(), text.size()),
                      [self = self()](beast::error_code error, std::size_t bytes) {
                        if (error) {
                          return self->End(Ending::kGone);
                        }
                        self->bytes_ += bytes;
                        if (self->next_ < self->batch().frames.size()) {
                          return self->SendNext();
                        }
                        self->OnSent(self->bytes_);
                      });
}

// The stream sends pings by itself.
void WebSocketClient::SendHeartbeat() { OnSent(0); }

void WebSocketClient::Read() {
  socket_.async_read(ignored_, [self = self()](beast::error_code error, std::size_t) {
    if (error || self->TalksTooMuch()) {
      return self->End(Ending::kGone);
    }
    self->ignored_.clear();
    self->Read();
  });
}

bool WebSocketClient::TalksTooMuch() {
  const auto now = Clock::now();
  if (now - heard_since_ > std::chrono::minutes(1)) {
    heard_since_ = now;
    heard_ = 0;
  }
  return ++heard_ > kMessagesPerMinute;
}

void WebSocketClient::Close(Ending ending) {
  if (ending == Ending::kGone || !socket_.is_open()) {
    return beast::get_lowest_layer(socket_).close();
  }
  socket_.async_close(ReasonOf(ending == Ending::kRefused), [self = self()](beast::error_code) {
    beast::get_lowest_layer(self->socket_).close();
  });
}

}  // namespace switchboard::gateway
