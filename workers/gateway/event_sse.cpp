#include "workers/gateway/event_sse.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/write.hpp>
#include <sstream>
#include <utility>
#include <vector>

namespace switchboard::gateway {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

// How long a browser waits before it connects again.
constexpr char kRetry[] = "retry: 2000\n\n";

std::string HeaderText(const StreamRequest& request) {
  http::response<http::empty_body> response(http::status::ok, 11);
  for (const auto& [name, value] : request.headers) {
    response.set(name, value);
  }
  response.set(http::field::content_type, "text/event-stream");
  response.set(http::field::cache_control, "no-store");
  response.set(http::field::connection, "close");
  response.set("X-Accel-Buffering", "no");  // proxies are to pass on each event at once
  std::ostringstream text;
  text << response.base();
  return text.str();
}

}  // namespace

SseClient::SseClient(StreamRequest request, Setup setup)
    : EventClient(std::move(request), std::move(setup), 200),
      stream_(std::move(EventClient::request().stream)) {}

std::shared_ptr<SseClient> SseClient::self() {
  return std::static_pointer_cast<SseClient>(shared_from_this());
}

void SseClient::Open() {
  WatchForEnd();
  text_ = HeaderText(request()) + kRetry;
  boost::asio::async_write(stream_, boost::asio::buffer(text_),
                           [self = self()](beast::error_code error, std::size_t) {
                             if (error) {
                               return self->End(Ending::kGone);
                             }
                             self->OnOpened();
                           });
}

void SseClient::SendText(std::string text) {
  text_ = std::move(text);
  boost::asio::async_write(stream_, boost::asio::buffer(text_),
                           beast::bind_front_handler(&SseClient::OnWritten, self()));
}

// An id without data is no event, but it is the place that a browser resumes from.
void SseClient::SendGreeting() {
  told_position_ = position();
  SendText("id: " + std::to_string(position()) + "\n\n");
}

// Events that were not for them moved their place as well: they need not be read again.
void SseClient::SendHeartbeat() {
  if (std::exchange(told_position_, position()) == position()) {
    return SendText(": still here\n\n");
  }
  SendText(": still here\nid: " + std::to_string(position()) + "\n\n");
}

void SseClient::SendBatch() {
  std::vector<boost::asio::const_buffer> buffers;
  for (const FramePointer& frame : batch().frames) {
    buffers.emplace_back(frame->sse().data(), frame->sse().size());
  }
  told_position_ = batch().frames.back()->seq();
  boost::asio::async_write(stream_, buffers,
                           beast::bind_front_handler(&SseClient::OnWritten, self()));
}

void SseClient::OnWritten(beast::error_code error, std::size_t bytes) {
  if (error) {
    return End(Ending::kGone);
  }
  OnSent(bytes);
}

// They have nothing more to say: what comes is the end, or to be ignored.
void SseClient::WatchForEnd() {
  stream_.async_read_some(boost::asio::buffer(ignored_),
                          [self = self()](beast::error_code error, std::size_t) {
                            if (error) {
                              return self->End(Ending::kGone);
                            }
                            self->WatchForEnd();
                          });
}

void SseClient::Close(Ending) {
  beast::error_code ignored;
  stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_both, ignored);
  stream_.close();
}

}  // namespace switchboard::gateway
