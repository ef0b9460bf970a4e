#include "workers/gateway/request_mapping.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/field.hpp>
#include <cctype>
#include <utility>

#include "workers/core/encoding.hpp"
#include "workers/core/json.hpp"

namespace switchboard::gateway {
namespace {

namespace http = boost::beast::http;
using boost::beast::iequals;

constexpr std::string_view kRouteHeader = "x-switchboard-route";

std::string_view View(boost::beast::string_view text) { return {text.data(), text.size()}; }

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

// What only the gateway may say.
bool IsOurs(std::string_view name) {
  constexpr std::array<std::string_view, 9> kOurs = {
      "forwarded",        "x-forwarded-for",   "x-forwarded-host",
      "x-forwarded-port", "x-forwarded-proto", "x-peer-address",
      "x-real-ip",        "x-request-id",      "x-request-target"};
  return std::find(kOurs.begin(), kOurs.end(), name) != kOurs.end();
}

// Names in lower case; a repeated header is one list.
std::string HeadersToJson(const HttpRequest& request, const RequestTarget& target,
                          const Client& client, std::string_view request_id) {
  core::FormFields headers = {{"x-request-target", std::string(target.exact)},
                              {"x-peer-address", client.address.to_string()},
                              {"x-request-id", std::string(request_id)}};
  if (!client.proto.empty()) {
    headers.emplace_back("x-forwarded-proto", client.proto);
  }
  if (!client.host.empty()) {
    headers.emplace_back("x-forwarded-host", client.host);
  }
  for (const auto& header : request) {
    std::string name = LowerCase(View(header.name_string()));
    const auto known = std::find_if(headers.begin(), headers.end(),
                                    [&](const auto& other) { return other.first == name; });
    if (IsOurs(name)) {
      continue;
    }
    if (known == headers.end()) {
      headers.emplace_back(std::move(name), std::string(header.value()));
    } else {
      known->second.append(", ").append(View(header.value()));
    }
  }
  return core::FieldsToJson(headers);
}

// What the connection itself needs is the gateway's business.
bool IsHopByHop(boost::beast::string_view name) {
  return iequals(name, "connection") || iequals(name, "content-length") ||
         iequals(name, "transfer-encoding") || iequals(name, "keep-alive");
}

// The characters of a field name (RFC 9110 section 5.6.2).
bool IsToken(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool HasLineBreak(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

void CopyHeaders(const std::string& json, HttpAnswer* answer) {
  const auto document = core::TryParseJson(json);
  if (!document || !document->IsObject()) {
    return;
  }
  for (const auto& member : document->GetObject()) {
    const std::string_view name = core::AsString(member.name);
    const std::string_view value = core::AsString(member.value);
    if (name == kRouteHeader) {
      answer->route = value;
    } else if (member.value.IsString() && !IsHopByHop({name.data(), name.size()}) &&
               !HasLineBreak(value) && IsToken(name)) {
      answer->response.set(boost::beast::string_view(name.data(), name.size()),
                           boost::beast::string_view(value.data(), value.size()));
    }
  }
}

HttpAnswer Failure(HttpResponse response) { return {std::move(response), {}}; }

}  // namespace

std::string JoinedHeader(const HttpRequest& request, std::string_view name) {
  std::string joined;
  const auto [first, last] =
      request.equal_range(boost::beast::string_view(name.data(), name.size()));
  for (auto header = first; header != last; ++header) {
    joined.append(joined.empty() ? "" : ", ").append(View(header->value()));
  }
  return joined;
}

DatabaseRequest ToDatabaseRequest(HttpRequest& request, RequestTarget target, const Client& client,
                                  std::string_view request_id) {
  DatabaseRequest call;
  call.method = std::string(request.method_string());
  call.headers_json = HeadersToJson(request, target, client, request_id);
  call.path = std::move(target.path);
  call.query_json = std::move(target.query_json);
  call.body = std::move(request.body());
  return call;
}

HttpAnswer ToHttpAnswer(DatabaseReply reply) {
  switch (reply.kind) {
    case DatabaseReply::Kind::kRejected:
      return Failure(
          Problem(400, "Bad Request", "the request holds a value that cannot be stored"));
    case DatabaseReply::Kind::kUnavailable: {
      HttpResponse response = Problem(503, "Service Unavailable", "the database cannot answer now");
      response.set(http::field::retry_after, "2");
      return Failure(std::move(response));
    }
    case DatabaseReply::Kind::kFailed:
      return Failure(Problem(500, "Internal Server Error", "the request could not be served"));
    case DatabaseReply::Kind::kAnswer:
      break;
  }
  if (reply.status < 200 || reply.status > 599) {
    return Failure(Problem(500, "Internal Server Error", "the request could not be served"));
  }
  HttpAnswer answer;
  answer.response.result(static_cast<unsigned>(reply.status));
  CopyHeaders(reply.headers_json, &answer);
  answer.response.body() = std::move(reply.body);
  return answer;
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
