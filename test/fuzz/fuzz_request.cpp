// Bytes of a connection as the gateway takes them: what is read as a request becomes a call that
// the database can take and in which only the gateway says who is asking. The same bytes as headers
// of an answer never become more than headers.

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "workers/core/json.hpp"
#include "workers/core/utf8.hpp"
#include "workers/gateway/request_mapping.hpp"

namespace {

namespace core = switchboard::core;
namespace gateway = switchboard::gateway;
namespace http = boost::beast::http;

void Require(bool holds) {
  if (!holds) __builtin_trap();
}

const std::vector<gateway::AddressRange>& TrustedProxies() {
  static const std::vector<gateway::AddressRange> ranges = {
      *gateway::ParseAddressRange("10.0.0.0/8")};
  return ranges;
}

gateway::Client FindClient(const gateway::HttpRequest& request, const char* peer) {
  const std::string addresses = gateway::JoinedHeader(request, "X-Forwarded-For");
  const std::string proto = gateway::JoinedHeader(request, "X-Forwarded-Proto");
  const std::string host = gateway::JoinedHeader(request, "X-Forwarded-Host");
  return gateway::FindClient(boost::asio::ip::make_address(peer), TrustedProxies(),
                             {addresses, proto, host});
}

void CheckCall(const gateway::DatabaseRequest& call, const gateway::Client& client) {
  Require(call.path.starts_with('/') && core::IsStorable(call.path));
  Require(core::ParseJson(call.query_json).IsObject() && core::IsStorable(call.query_json));
  const core::Json headers = core::ParseJson(call.headers_json);
  Require(headers.IsObject() && core::IsStorable(call.headers_json));
  Require(core::FindString(headers, "x-peer-address") == client.address.to_string());
  Require(core::FindString(headers, "x-request-id") == "id");
  Require(core::Find(headers, "x-forwarded-for") == nullptr);
  const auto proto = core::FindString(headers, "x-forwarded-proto");
  Require(!proto || *proto == "http" || *proto == "https");
}

void TakeRequest(std::string_view bytes, const char* peer) {
  http::request_parser<http::string_body> parser;
  parser.eager(true);
  parser.header_limit(16 * 1024);
  parser.body_limit(1024 * 1024);
  boost::beast::error_code error;
  while (!bytes.empty() && !parser.is_done() && !error) {
    const std::size_t used = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
    bytes.remove_prefix(used);
    if (used == 0) break;
  }
  if (error || !parser.is_done()) return;
  gateway::HttpRequest request = parser.release();
  auto target = gateway::ParseTarget({request.target().data(), request.target().size()});
  if (!target) return;
  const gateway::Client client = FindClient(request, peer);
  Require(client.proxied || client.address.to_string() == peer);
  CheckCall(gateway::ToDatabaseRequest(request, std::move(*target), client, "id"), client);
}

// The header as it would be written: a line for each field and nothing between them.
void TakeAnswer(std::string_view headers) {
  gateway::DatabaseReply reply;
  reply.kind = gateway::DatabaseReply::Kind::kAnswer;
  reply.status = 200;
  reply.headers_json = headers;
  const gateway::HttpAnswer answer = gateway::ToHttpAnswer(std::move(reply));
  std::size_t fields = 0;
  for (const auto& field : answer.response) {
    const std::string_view name(field.name_string().data(), field.name_string().size());
    const std::string_view value(field.value().data(), field.value().size());
    Require(name.find_first_of("\r\n: ") == std::string_view::npos);
    Require(value.find_first_of("\r\n") == std::string_view::npos);
    ++fields;
  }
  Require(fields <= headers.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  TakeRequest(bytes, "192.0.2.1");
  TakeRequest(bytes, "10.0.0.1");
  TakeAnswer(bytes);
  gateway::ParseAddressRange(bytes);
  if (gateway::IsRequestId(bytes)) Require(bytes.size() <= 64 && core::IsStorable(bytes));
  return 0;
}
