#include "workers/gateway/request_mapping.hpp"

#include <algorithm>
#include <boost/beast/http/field.hpp>
#include <cctype>
#include <map>
#include <utility>
#include <vector>

#include "workers/core/json.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace switchboard::gateway {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view kTargetHeader = "x-request-target";
constexpr std::string_view kPeerHeader = "x-peer-address";

using JsonWriter =
    rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>, rapidjson::UTF8<>,
                      rapidjson::CrtAllocator, rapidjson::kWriteValidateEncodingFlag>;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// NUL is refused: no text of the database can hold it.
std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size() || HexDigit(text[i + 1]) < 0 || HexDigit(text[i + 2]) < 0) {
        return std::nullopt;
      }
      c = static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0') {
      return std::nullopt;
    }
    out += c;
  }
  return out;
}

bool WriteString(JsonWriter& writer, std::string_view text) {
  return writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

using Fields = std::vector<std::pair<std::string, std::vector<std::string>>>;

void Append(Fields& fields, std::string name, std::string value) {
  const auto known = std::find_if(fields.begin(), fields.end(),
                                  [&name](const auto& field) { return field.first == name; });
  if (known != fields.end()) {
    known->second.push_back(std::move(value));
  } else {
    fields.push_back({std::move(name), {std::move(value)}});
  }
}

// {"name":"value"}, or {"name":["a","b"]} for a repeated name. Nothing when not valid UTF-8.
std::optional<std::string> ToJson(const Fields& fields) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  bool valid = writer.StartObject();
  for (const auto& [name, values] : fields) {
    valid = valid && writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
    if (values.size() > 1) {
      writer.StartArray();
    }
    for (const std::string& value : values) {
      valid = valid && WriteString(writer, value);
    }
    if (values.size() > 1) {
      writer.EndArray();
    }
  }
  writer.EndObject();
  return valid ? std::optional(std::string(buffer.GetString(), buffer.GetSize())) : std::nullopt;
}

std::optional<std::string> QueryToJson(std::string_view query) {
  Fields fields;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) {
      continue;
    }
    const std::size_t equals = pair.find('=');
    auto name = PercentDecode(pair.substr(0, equals), true);
    auto value = equals == std::string_view::npos ? std::optional<std::string>("")
                                                  : PercentDecode(pair.substr(equals + 1), true);
    if (!name || !value) {
      return std::nullopt;
    }
    Append(fields, std::move(*name), std::move(*value));
  }
  return ToJson(fields);
}

std::optional<std::string> HeadersToJson(const HttpRequest& request, std::string_view peer) {
  Fields fields;
  for (const auto& header : request) {
    std::string name(header.name_string());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (name != kTargetHeader && name != kPeerHeader) {
      Append(fields, std::move(name), std::string(header.value()));
    }
  }
  for (auto& [name, values] : fields) {
    for (std::size_t i = 1; i < values.size(); ++i) {
      values[0] += ", " + values[i];  // RFC 9110 section 5.3
    }
    values.resize(1);
  }
  Append(fields, std::string(kTargetHeader), std::string(request.target()));
  Append(fields, std::string(kPeerHeader), std::string(peer));
  return ToJson(fields);
}

bool IsHopByHop(std::string_view name) {
  return boost::beast::iequals(name, "connection") || boost::beast::iequals(name, "content-length") ||
         boost::beast::iequals(name, "transfer-encoding") || boost::beast::iequals(name, "keep-alive");
}

bool HasLineBreak(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

void CopyHeaders(const std::string& json, HttpResponse& response) {
  const auto document = core::ParseJson(json);
  if (!document.IsObject()) {
    return;
  }
  for (const auto& member : document.GetObject()) {
    const std::string_view name(member.name.GetString(), member.name.GetStringLength());
    if (!member.value.IsString() || IsHopByHop(name)) {
      continue;
    }
    const std::string_view value(member.value.GetString(), member.value.GetStringLength());
    if (!HasLineBreak(name) && !HasLineBreak(value)) {
      response.set(boost::beast::string_view(name.data(), name.size()),
                   boost::beast::string_view(value.data(), value.size()));
    }
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
  auto path = PercentDecode(target.substr(0, mark), false);
  auto query = QueryToJson(mark == std::string_view::npos ? "" : target.substr(mark + 1));
  auto headers = HeadersToJson(request, peer);
  if (!path || !query || !headers) {
    return std::nullopt;
  }
  return DatabaseRequest{std::string(request.method_string()), std::move(*path), std::move(*query),
                         std::move(*headers), request.body()};
}

HttpResponse ToHttpResponse(const DatabaseReply& reply) {
  switch (reply.kind) {
    case DatabaseReply::Kind::kRejected:
      return Problem(400, "Bad Request", "the request holds a value that cannot be stored");
    case DatabaseReply::Kind::kUnavailable: {
      HttpResponse response =
          Problem(503, "Service Unavailable", "the database cannot answer now");
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
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  writer.Key("type");
  writer.String("about:blank");
  writer.Key("title");
  WriteString(writer, title);
  writer.Key("status");
  writer.Uint(status);
  writer.Key("detail");
  WriteString(writer, detail);
  writer.EndObject();
  HttpResponse response;
  response.result(status);
  response.set(http::field::content_type, "application/problem+json");
  response.body().assign(buffer.GetString(), buffer.GetSize());
  return response;
}

}  // namespace switchboard::gateway
