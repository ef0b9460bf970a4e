#include "test/doubles/carrier/carrier_client.hpp"

#include <curl/curl.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <deque>
#include <optional>

namespace switchboard::carrier {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using Error = boost::system::error_code;

constexpr std::size_t kMaxConnectionsPerHost = 64;
constexpr std::chrono::seconds kTimeout{15};
constexpr int kTries = 2;

struct Target {
  std::string host;
  std::string port;
  std::string path_and_query;
};

std::string UrlPart(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return "";
  std::string copy(text);
  curl_free(text);
  return copy;
}

std::optional<Target> ParseTarget(const std::string& text) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return std::nullopt;
  if (UrlPart(url.get(), CURLUPART_SCHEME) != "http") return std::nullopt;
  Target target;
  target.host = UrlPart(url.get(), CURLUPART_HOST);
  target.port = UrlPart(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  target.path_and_query = UrlPart(url.get(), CURLUPART_PATH);
  if (std::string query = UrlPart(url.get(), CURLUPART_QUERY); !query.empty()) {
    target.path_and_query += "?" + query;
  }
  return target;
}

struct Work {
  Outgoing request;
  Target target;
  OnReply on_reply;
  int tries_left = kTries;
};

}  // namespace

class HttpClient::Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(asio::io_context& io, bool allow_remote)
      : io_(io), resolver_(io), allow_remote_(allow_remote) {}

  void Send(Outgoing request, OnReply on_reply) {
    std::optional<Target> target = ParseTarget(request.url);
    if (!target) return on_reply({0, "", "not an http address"});
    ++pending_;
    const std::string key = target->host + ":" + target->port;
    hosts_[key].queue.push_back({std::move(request), std::move(*target), std::move(on_reply)});
    Dispatch(key);
  }

  std::size_t pending() const { return pending_; }

  void Close() { hosts_.clear(); }

 private:
  class Connection;
  struct Host {
    std::deque<Work> queue;
    std::vector<std::shared_ptr<Connection>> idle;
    std::size_t open = 0;
  };

  void Dispatch(const std::string& key);
  void Finish(Work& work, const Reply& reply) {
    --pending_;
    work.on_reply(reply);
  }

  asio::io_context& io_;
  tcp::resolver resolver_;
  const bool allow_remote_;
  std::map<std::string, Host> hosts_;
  std::size_t pending_ = 0;
};

// One connection to one host; takes work until the peer closes it.
class HttpClient::Pool::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Pool> pool, std::string key)
      : pool_(std::move(pool)), key_(std::move(key)), stream_(pool_->io_) {}

  void Start(Work work) {
    work_ = std::move(work);
    if (connected_) return Write();
    pool_->resolver_.async_resolve(
        work_->target.host, work_->target.port,
        [self = shared_from_this()](Error error, tcp::resolver::results_type found) {
          if (error) return self->Fail(error.message());
          self->Connect(found);
        });
  }

 private:
  void Connect(const tcp::resolver::results_type& found) {
    std::vector<tcp::endpoint> endpoints;
    for (const auto& entry : found) {
      if (pool_->allow_remote_ || entry.endpoint().address().is_loopback()) {
        endpoints.push_back(entry.endpoint());
      }
    }
    if (endpoints.empty()) return Fail("not a loopback address");
    stream_.expires_after(kTimeout);
    stream_.async_connect(endpoints, [self = shared_from_this()](Error error, const auto&) {
      if (error) return self->Fail(error.message());
      self->connected_ = true;
      self->stream_.socket().set_option(tcp::no_delay(true));
      self->Write();
    });
  }

  void Write() {
    message_ = {};
    message_.method_string(work_->request.method);
    message_.target(work_->target.path_and_query);
    message_.version(11);
    message_.set(http::field::host, key_);
    message_.set(http::field::user_agent, "switchboard-carrier");
    for (const auto& [name, value] : work_->request.headers) message_.set(name, value);
    message_.body() = work_->request.body;
    message_.prepare_payload();
    stream_.expires_after(kTimeout);
    http::async_write(stream_, message_, [self = shared_from_this()](Error error, std::size_t) {
      if (error) return self->Fail(error.message());
      self->ReadReply();
    });
  }

  void ReadReply() {
    response_ = {};
    http::async_read(stream_, buffer_, response_,
                     [self = shared_from_this()](Error error, std::size_t) {
                       if (error) return self->Fail(error.message());
                       self->Done();
                     });
  }

  void Done() {
    Host& host = pool_->hosts_[key_];
    if (response_.keep_alive()) {
      stream_.expires_never();
      ++served_;
      host.idle.push_back(shared_from_this());
    } else {
      --host.open;
    }
    Work work = std::move(*work_);
    work_.reset();
    pool_->Finish(work, {static_cast<int>(response_.result_int()), response_.body(), ""});
    pool_->Dispatch(key_);
  }

  void Fail(const std::string& error) {
    Host& host = pool_->hosts_[key_];
    --host.open;
    connected_ = false;
    Work work = std::move(*work_);
    work_.reset();
    // The peer may close a connection that lay idle; that says nothing about this request.
    if (served_ > 0 || --work.tries_left > 0) {
      host.queue.push_front(std::move(work));
    } else {
      pool_->Finish(work, {0, "", error});
    }
    pool_->Dispatch(key_);
  }

  std::shared_ptr<Pool> pool_;
  std::string key_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  http::request<http::string_body> message_;
  http::response<http::string_body> response_;
  std::optional<Work> work_;
  bool connected_ = false;
  int served_ = 0;
};

void HttpClient::Pool::Dispatch(const std::string& key) {
  Host& host = hosts_[key];
  while (!host.queue.empty()) {
    std::shared_ptr<Connection> connection;
    if (!host.idle.empty()) {
      connection = std::move(host.idle.back());
      host.idle.pop_back();
    } else if (host.open < kMaxConnectionsPerHost) {
      connection = std::make_shared<Connection>(shared_from_this(), key);
      ++host.open;
    } else {
      return;
    }
    Work work = std::move(host.queue.front());
    host.queue.pop_front();
    connection->Start(std::move(work));
  }
}

HttpClient::HttpClient(asio::io_context& io, bool allow_remote)
    : pool_(std::make_shared<Pool>(io, allow_remote)) {}

HttpClient::~HttpClient() { pool_->Close(); }

void HttpClient::Send(Outgoing request, OnReply on_reply) {
  pool_->Send(std::move(request), std::move(on_reply));
}

std::size_t HttpClient::pending() const { return pool_->pending(); }

}  // namespace switchboard::carrier
