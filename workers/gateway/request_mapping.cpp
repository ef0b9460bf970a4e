#include "workers/gateway/request_mapping.hpp"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/field.hpp>
#include <cctype>
#include <map>
#include <string_view>
#include <utility>

#include "workers/core/encoding.hpp"
#include "workers/core/json.hpp"
#include "workers/core/utf8.hpp"

namespace switchboard::gateway {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view kTargetHeader = "x-request-target";
constexpr std::string_view kPeerHeader = "x-peer-address";

// Names in lower case; a repeated header is one list (RFC 9110 section 5.3).
std::string HeadersToJson(const HttpRequest& request, std::string_view peer) {
  std::map<std::string, std::string> headers;
  for (const auto& header : request) {
    std::string name(header.name_string());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::string value(header.value());
    const auto [known, added] = headers.try_emplace(std::move(name), value);
    if (!added) known->second += ", " + value;
  }
  headers.insert_or_assign(std::string(kTargetHeader), std::string(request.target()));
  headers.insert_or_assign(std::string(kPeerHeader), std::string(peer));
  return core::FieldsToJson({headers.begin(), headers.end()});
}

// What the connection itself needs is the gateway's business.
bool IsHopByHop(boost::beast::string_view name) {
  using boost::beast::iequals;
  return iequals(name, "connection") || iequals(name, "content-length") ||
         iequals(name, "transfer-encoding") || iequals(name, "keep-alive");
}

bool HasLineBreak(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

void CopyHeaders(const std::string& json, HttpResponse& response) {
  const auto document = core::TryParseJson(json);
  if (!document || !document->IsObject()) {
    return;
  }
  for (const auto& member : document->GetObject()) {
    const boost::beast::string_view name(member.name.GetString(), member.name.GetStringLength());
    const std::string_view value = core::AsString(member.value);
    if (!member.value.IsString() || IsHopByHop(name) || HasLineBreak(value) ||
        HasLineBreak({name.data(), name.size()})) {
      continue;
    }
    response.set(name, boost::beast::string_view(value.data(), value.size()));
  }
}

}  // namespace

std::optional<DatabaseRequest> ToDatabaseRequest(const HttpRequest& request,
                                                 std::string_view peer) {
  const std::string_view target(request.target().data(), request.target().size());
  if (!target.starts_with('/')) {
    return std::nullopt;
  }
  const std::size_t mark = target.find('?');
  std::string path = core::UrlDecode(target.substr(0, mark), false);
  auto query = core::FormToJson(core::QueryOf(target));
  if (!core::IsStorable(path) || !query) {
    return std::nullopt;
  }
  return DatabaseRequest{std::string(request.method_string()), std::move(path), std::move(*query),
                         HeadersToJson(request, peer), request.body()};
}

HttpResponse ToHttpResponse(const DatabaseReply& reply) {
  switch (reply.kind) {
    case DatabaseReply::Kind::kRejected:
      return Problem(400, "Bad Request", "the request holds a value that cannot be stored");
    case DatabaseReply::Kind::kUnavailable: {
      HttpResponse response = Problem(503, "Service Unavailable", "the database cannot answer now");
      response.set(http::field::retry_after, "2");
      return response;
    }
    case DatabaseReply::Kind::kFailed:
      return Problem(500, "Internal Server Error", "the request could not be served");
    case DatabaseReply::Kind::kAnswer:
      break;
  }
  if (reply.status < 200 || reply.status > 599) {
    return Problem(500, "Internal Server Error", "the request could not be served");
  }
  HttpResponse response;
  response.result(static_cast<unsigned>(reply.status));
  CopyHeaders(reply.headers_json, response);
  response.body() = reply.body;
  return response;
}

HttpResponse Problem(unsigned status, std::string_view title, std::string_view detail) {
  core::JsonWriter json;
  json.BeginObject().Key("type").String("about:blank").Key("title").String(title);
  json.Key("status").Int(status).Key("detail").String(detail).EndObject();
  HttpResponse response;
  response.result(status);
  response.set(http::field::content_type, "application/problem+json");
  response.body() = json.Take();
  return response;
}

}  // namespace switchboard::gateway
