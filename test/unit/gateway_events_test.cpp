#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "workers/core/json.hpp"
#include "workers/gateway/event_frame.hpp"
#include "workers/gateway/event_request.hpp"
#include "workers/gateway/event_ring.hpp"

namespace switchboard::gateway {
namespace {

namespace http = boost::beast::http;

FramePointer Frame(std::int64_t seq, std::string_view event = "new-call",
                   std::string_view user = "", std::size_t size = 0) {
  const std::string data = "{\"n\":\"" + std::string(size, 'x') + "\"}";
  return std::make_shared<const EventFrame>(
      FeedRow{seq, event, "subject", user, data, "\"2026-01-02T03:04:05+00:00\""});
}

std::vector<std::int64_t> Numbers(const EventBatch& batch) {
  std::vector<std::int64_t> numbers;
  for (const auto& frame : batch.frames) numbers.push_back(frame->seq());
  return numbers;
}

bool Everything(const EventFrame&) { return true; }

TEST(EventFrame, IsOneBlockOfServerSentEventsAroundTheJsonOfWebSocket) {
  const auto frame = Frame(7, "new-call", "", 1);
  EXPECT_EQ(frame->json(), R"({"seq":7,"event":"new-call","subjectId":"subject","data":{"n":"x"},)"
                           R"("createdAt":"2026-01-02T03:04:05+00:00"})");
  EXPECT_EQ(frame->sse(), "id: 7\nevent: new-call\ndata: " + std::string(frame->json()) + "\n\n");
}

TEST(EventFrame, WithoutSubjectSaysNull) {
  const EventFrame frame(FeedRow{1, "e", "", "", "{}", "null"});
  EXPECT_NE(frame.json().find("\"subjectId\":null"), std::string_view::npos);
}

TEST(EventFrame, NameWithLineBreaksCannotForgeAnotherEvent) {
  const EventFrame frame(FeedRow{1, "a\nid: 99\r\ndata: forged", "", "", "{}", "null"});
  EXPECT_EQ(frame.sse().substr(0, frame.sse().find("\ndata: {")),
            "id: 1\nevent: a id: 99  data: forged");
  EXPECT_EQ(frame.event(), "a\nid: 99\r\ndata: forged");
}

TEST(EventFrame, NoticeHasTheSameKeys) {
  const EventFrame notice = EventFrame::Notice("reset", 5, R"({"reason":"x"})");
  EXPECT_EQ(notice.json(), R"({"seq":5,"event":"reset","subjectId":null,"data":{"reason":"x"},)"
                           R"("createdAt":null})");
  EXPECT_TRUE(core::TryParseJson(notice.json()).has_value());
}

TEST(MaySee, EverybodysOnesOwnAndForSupervisorsAll) {
  const Viewer agent{"t", "ann", false, {}};
  const Viewer supervisor{"t", "sue", true, {}};
  const Viewer nobody_in_particular{"t", "", false, {}};
  EXPECT_TRUE(MaySee(agent, *Frame(1)));
  EXPECT_TRUE(MaySee(agent, *Frame(1, "e", "ann")));
  EXPECT_FALSE(MaySee(agent, *Frame(1, "e", "bob")));
  EXPECT_TRUE(MaySee(supervisor, *Frame(1, "e", "bob")));
  EXPECT_TRUE(MaySee(nobody_in_particular, *Frame(1)));
  EXPECT_FALSE(MaySee(nobody_in_particular, *Frame(1, "e", "bob")));
}

TEST(EventRing, GivesWhatFollowsAPosition) {
  EventRing ring(1 << 20);
  ring.Restart(10);
  EXPECT_EQ(ring.begin(), 10);
  EXPECT_EQ(ring.end(), 10);
  for (const std::int64_t seq : {12, 15, 19}) ring.Append(Frame(seq));
  EXPECT_EQ(ring.begin(), 10);
  EXPECT_EQ(Numbers(ring.After(10, Everything)), (std::vector<std::int64_t>{12, 15, 19}));
  EXPECT_EQ(Numbers(ring.After(12, Everything)), (std::vector<std::int64_t>{15, 19}));
  EXPECT_EQ(Numbers(ring.After(13, Everything)), (std::vector<std::int64_t>{15, 19}));
  EXPECT_TRUE(ring.After(19, Everything).frames.empty());
}

TEST(EventRing, PositionPassesOverWhatTheFilterHolds) {
  EventRing ring(1 << 20);
  ring.Restart(0);
  for (std::int64_t seq = 1; seq <= 6; ++seq)
    ring.Append(Frame(seq, seq % 2 == 0 ? "even" : "odd"));
  const auto batch = ring.After(0, [](const EventFrame& frame) { return frame.event() == "odd"; });
  EXPECT_EQ(Numbers(batch), (std::vector<std::int64_t>{1, 3, 5}));
  EXPECT_EQ(batch.position, 6);
}

TEST(EventRing, PositionBeyondTheEndStays) {
  EventRing ring(1 << 20);
  ring.Restart(3);
  EXPECT_EQ(ring.After(9, Everything).position, 9);
}

TEST(EventRing, ForgetsTheOldestAndKnowsIt) {
  EventRing ring(1000);
  ring.Restart(0);
  for (std::int64_t seq = 1; seq <= 100; ++seq) ring.Append(Frame(seq));
  EXPECT_LE(ring.bytes(), 1000U);
  EXPECT_GT(ring.begin(), 0);
  const auto numbers = Numbers(ring.After(ring.begin(), Everything));
  EXPECT_EQ(numbers.front(), ring.begin() + 1);
  EXPECT_EQ(numbers.back(), 100);
  ring.LimitTo(0);
  EXPECT_EQ(ring.begin(), 99);  // the newest stays
  EXPECT_EQ(Numbers(ring.After(99, Everything)), (std::vector<std::int64_t>{100}));
}

TEST(EventRing, BatchesAreBoundedAndContinueWhereTheyEnded) {
  EventRing ring(1 << 30);
  ring.Restart(0);
  for (std::int64_t seq = 1; seq <= 1000; ++seq) ring.Append(Frame(seq, "e", "", seq % 100));
  std::int64_t expected = 0;
  std::int64_t position = 0;
  for (int batches = 0; expected < 1000; ++batches) {
    ASSERT_LT(batches, 50);
    const auto batch = ring.After(position, Everything);
    EXPECT_LE(batch.frames.size(), kBatchFrames);
    EXPECT_LE(batch.bytes, kBatchBytes);
    for (const auto& frame : batch.frames) EXPECT_EQ(frame->seq(), ++expected);
    position = batch.position;
  }
}

TEST(EventRing, AnEventLargerThanABatchGoesOutAlone) {
  EventRing ring(1 << 30);
  ring.Restart(0);
  ring.Append(Frame(1));
  ring.Append(Frame(2, "e", "", 2 * kBatchBytes));
  ring.Append(Frame(3));
  EXPECT_EQ(Numbers(ring.After(0, Everything)), (std::vector<std::int64_t>{1}));
  EXPECT_EQ(Numbers(ring.After(1, Everything)), (std::vector<std::int64_t>{2}));
  EXPECT_EQ(Numbers(ring.After(2, Everything)), (std::vector<std::int64_t>{3}));
}

HttpRequest Request(http::verb verb, std::string_view target, std::string_view accept = "") {
  HttpRequest request(verb, boost::beast::string_view(target.data(), target.size()), 11);
  if (!accept.empty()) {
    request.set(http::field::accept, boost::beast::string_view(accept.data(), accept.size()));
  }
  return request;
}

TEST(WantsEventStream, UnlessItAsksForAPage) {
  constexpr auto kGet = http::verb::get;
  EXPECT_TRUE(WantsEventStream(Request(kGet, "/api/events", "text/event-stream"), "/api/events"));
  EXPECT_TRUE(WantsEventStream(Request(kGet, "/api/events"), "/api/events"));
  EXPECT_TRUE(WantsEventStream(Request(kGet, "/api/events?after=3", "*/*"), "/api/events"));
  EXPECT_TRUE(WantsEventStream(Request(kGet, "/api/events", "text/event-stream, application/json"),
                               "/api/events"));
  EXPECT_FALSE(WantsEventStream(Request(kGet, "/api/events", "application/json"), "/api/events"));
  EXPECT_FALSE(WantsEventStream(Request(kGet, "/api/events?limit=5"), "/api/events"));
  EXPECT_FALSE(WantsEventStream(Request(http::verb::head, "/api/events"), "/api/events"));
  EXPECT_FALSE(WantsEventStream(Request(http::verb::options, "/api/events"), "/api/events"));
  EXPECT_FALSE(WantsEventStream(Request(kGet, "/api/events/1"), "/api/events/1"));
}

TEST(WantsEventStream, AsWebSocketWhateverItAccepts) {
  HttpRequest request = Request(http::verb::get, "/api/events?limit=5", "application/json");
  request.set(http::field::connection, "Upgrade");
  request.set(http::field::upgrade, "websocket");
  EXPECT_TRUE(WantsEventStream(request, "/api/events"));
  EXPECT_FALSE(WantsEventStream(request, "/api/other"));
}

TEST(EventQuestion, HeaderCountsBeforeParameters) {
  EXPECT_FALSE(ParseEventQuestion("", "{}").question.after);
  EXPECT_EQ(ParseEventQuestion("9", R"({"lastEventId":"5","after":"4"})").question.after, 9);
  EXPECT_EQ(ParseEventQuestion("", R"({"after":"4","lastEventId":"5"})").question.after, 5);
  EXPECT_EQ(ParseEventQuestion("", R"({"after":"0"})").question.after, 0);
  EXPECT_FALSE(ParseEventQuestion("", R"({"after":""})").question.after);
}

TEST(EventQuestion, RefusesWhatIsNoPosition) {
  for (const char* text : {"x", "-1", "1.5", "1 ", " 1", "+1", "9223372036854775808", "0x1"}) {
    EXPECT_NE(ParseEventQuestion(text, "{}").problem, "") << text;
  }
  EXPECT_EQ(ParseEventQuestion("9223372036854775807", "{}").problem, "");
  EXPECT_EQ(ParseEventQuestion("x\n", "{}").problem,
            R"(Last-Event-ID takes the id of an event, a whole number, not "x\n")");
  EXPECT_NE(ParseEventQuestion("", R"({"after":["1","2"]})").problem, "");
}

TEST(EventQuestion, TakesNamesOfEvents) {
  const auto names =
      ParseEventQuestion("", R"({"events":"new-call,call-assigned"})").question.names;
  EXPECT_EQ(names, (EventNames{"new-call", "call-assigned"}));
  EXPECT_TRUE(IsAskedFor(names, *Frame(1, "new-call")));
  EXPECT_FALSE(IsAskedFor(names, *Frame(1, "campaign-updated")));
  EXPECT_TRUE(IsAskedFor({}, *Frame(1, "campaign-updated")));
}

TEST(EventQuestion, RefusesWhatAreNoNames) {
  std::string many = "e0";
  for (int i = 1; i < 40; ++i) many += ",e" + std::to_string(i);
  for (const std::string& list : {std::string("a,,b"), std::string(",a"), std::string("A"),
                                  std::string("a b"), std::string(65, 'a'), many}) {
    EXPECT_NE(ParseEventQuestion("", "{\"events\":\"" + list + "\"}").problem, "") << list;
  }
  EXPECT_NE(ParseEventQuestion("", R"({"events":["a","b"]})").problem, "");
}

}  // namespace
}  // namespace switchboard::gateway
