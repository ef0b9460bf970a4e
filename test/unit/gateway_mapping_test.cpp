#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "workers/core/json.hpp"
#include "workers/gateway/request_mapping.hpp"
#include "workers/gateway/response_headers.hpp"
#include "workers/gateway/static_files.hpp"

namespace switchboard::gateway {
namespace {

namespace http = boost::beast::http;

TEST(ParseTarget, DividesPathAndQuery) {
  const auto target = ParseTarget("/api/a%20b?x=1&y=%C3%A9&x=2");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/api/a b");
  EXPECT_EQ(target->query_json, R"({"x":["1","2"],"y":"é"})");
  EXPECT_EQ(target->exact, "/api/a%20b?x=1&y=%C3%A9&x=2");
}

TEST(ParseTarget, TakesTheAbsoluteForm) {
  EXPECT_EQ(ParseTarget("http://pbx.example/api?x=1")->exact, "/api?x=1");
  EXPECT_EQ(ParseTarget("http://pbx.example/api?x=1")->path, "/api");
  EXPECT_EQ(ParseTarget("https://pbx.example")->path, "/");
}

TEST(ParseTarget, RefusesWhatCannotBeStored) {
  for (const char* target :
       {"", "*", "api", "pbx.example:80", "ftp://x/", "/%00", "/%ff", "/?a=%00", "/?%c3=1"}) {
    EXPECT_FALSE(ParseTarget(target)) << target;
  }
}

TEST(IsRequestId, TakesPlainNamesOnly) {
  EXPECT_TRUE(IsRequestId("A-z_0.9"));
  EXPECT_TRUE(IsRequestId(std::string(64, 'a')));
  for (const std::string& id :
       {std::string(), std::string(65, 'a'), std::string("a b"), std::string("a\"b"),
        std::string("\xc3\xa9"), std::string("a\nb")}) {
    EXPECT_FALSE(IsRequestId(id)) << id;
  }
}

class Mapping : public ::testing::Test {
 protected:
  std::string Headers() {
    auto target = ParseTarget("/api?x=1");
    return ToDatabaseRequest(request, std::move(*target), client, "id-1").headers_json;
  }

  HttpRequest request{http::verb::post, "/api?x=1", 11};
  Client client{boost::asio::ip::make_address("192.0.2.1"), {}, {}, false};
};

TEST_F(Mapping, SaysWhatOnlyTheGatewayKnows) {
  for (const char* name :
       {"X-Request-Target", "X-Peer-Address", "X-Request-Id", "X-Real-IP", "X-Forwarded-For",
        "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "Forwarded"}) {
    request.set(name, "forged");
  }
  EXPECT_EQ(Headers(), R"({"x-peer-address":"192.0.2.1","x-request-id":"id-1",)"
                       R"("x-request-target":"/api?x=1"})");
  client.proto = "https";
  client.host = "pbx.example";
  EXPECT_EQ(Headers(), R"({"x-forwarded-host":"pbx.example","x-forwarded-proto":"https",)"
                       R"("x-peer-address":"192.0.2.1","x-request-id":"id-1",)"
                       R"("x-request-target":"/api?x=1"})");
}

TEST_F(Mapping, JoinsRepeatedHeaders) {
  request.insert("A-B", "1");
  request.insert("a-b", "2");
  const core::Json headers = core::ParseJson(Headers());
  EXPECT_EQ(core::FindString(headers, "a-b"), "1, 2");
  EXPECT_EQ(JoinedHeader(request, "A-B"), "1, 2");
}

TEST_F(Mapping, MovesTheBody) {
  request.body() = std::string("a\0b", 3);
  auto target = ParseTarget("/");
  EXPECT_EQ(ToDatabaseRequest(request, std::move(*target), client, "x").body,
            std::string("a\0b", 3));
}

HttpAnswer Map(int status, const char* headers) {
  DatabaseReply reply;
  reply.kind = DatabaseReply::Kind::kAnswer;
  reply.status = status;
  reply.headers_json = headers;
  reply.body = "body";
  return ToHttpAnswer(std::move(reply));
}

TEST(ToHttpAnswer, KeepsTheRouteToItself) {
  const HttpAnswer answer =
      Map(201, R"({"x-switchboard-route":"/api/{id}","location":"/api/1","n":1})");
  EXPECT_EQ(answer.route, "/api/{id}");
  EXPECT_EQ(answer.response.result_int(), 201u);
  EXPECT_EQ(answer.response["location"], "/api/1");
  EXPECT_EQ(answer.response.count("x-switchboard-route"), 0u);
  EXPECT_EQ(answer.response.count("n"), 0u);
  EXPECT_EQ(answer.response.body(), "body");
}

TEST(ToHttpAnswer, RefusesHeadersThatWouldSplitTheAnswer) {
  const HttpAnswer answer =
      Map(200,
          R"({"a":"x\r\nset-cookie: y","b\r\nc":"1","d":"\u0000","content-length":"9","e f":"1"})");
  EXPECT_EQ(std::distance(answer.response.begin(), answer.response.end()), 0);
}

TEST(ToHttpAnswer, SaysNothingOfTheInside) {
  DatabaseReply reply;
  reply.error = "secret";
  for (const auto& [kind, status] : {std::pair{DatabaseReply::Kind::kRejected, 400u},
                                     std::pair{DatabaseReply::Kind::kUnavailable, 503u},
                                     std::pair{DatabaseReply::Kind::kFailed, 500u}}) {
    reply.kind = kind;
    const HttpAnswer answer = ToHttpAnswer(reply);
    EXPECT_EQ(answer.response.result_int(), status);
    EXPECT_EQ(answer.response.body().find("secret"), std::string::npos);
  }
  EXPECT_EQ(Map(99, "{}").response.result_int(), 500u);
  EXPECT_EQ(Map(600, "{}").response.result_int(), 500u);
}

std::string_view HeaderOf(const HeaderList& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (key == name) {
      return value;
    }
  }
  return {};
}

TEST(SecurityHeaders, AllowAPageItsOwnFilesOnly) {
  const Client client;
  EXPECT_TRUE(HeaderOf(SecurityHeaders(Content::kApi, client), "Content-Security-Policy")
                  .starts_with("default-src 'none'; base-uri"));
  EXPECT_NE(HeaderOf(SecurityHeaders(Content::kPage, client), "Content-Security-Policy")
                .find("script-src 'self';"),
            std::string_view::npos);
}

TEST(SecurityHeaders, AskForTlsOnlyOfWhoHasIt) {
  Client client;
  EXPECT_EQ(HeaderOf(SecurityHeaders(Content::kApi, client), "Strict-Transport-Security"), "");
  client.proto = "https";
  EXPECT_EQ(HeaderOf(SecurityHeaders(Content::kApi, client), "Strict-Transport-Security"),
            "max-age=31536000");
}

TEST(StaticFiles, AreFoundByTheirNamesOnly) {
  ASSERT_NE(FindStaticFile("/"), nullptr);
  EXPECT_EQ(FindStaticFile("/"), FindStaticFile("/index.html"));
  EXPECT_NE(FindStaticFile("/")->content.find("</html>"), std::string_view::npos);
  ASSERT_NE(FindStaticFile("/wallboard.js"), nullptr);
  EXPECT_EQ(ContentTypeOf(FindStaticFile("/wallboard.js")->name), "text/javascript; charset=utf-8");
  for (const char* path :
       {"", "index.html", "//", "/.", "/../index.html", "/index.html/", "/web"}) {
    EXPECT_EQ(FindStaticFile(path), nullptr) << path;
  }
}

}  // namespace
}  // namespace switchboard::gateway
