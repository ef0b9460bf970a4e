#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "workers/gateway/access_log.hpp"
#include "workers/gateway/client_address.hpp"
#include "workers/gateway/connection_limits.hpp"

namespace switchboard::gateway {
namespace {

Address Parse(const char* text) { return boost::asio::ip::make_address(text); }

std::vector<AddressRange> Ranges(const std::vector<const char*>& texts) {
  std::vector<AddressRange> ranges;
  for (const char* text : texts) {
    ranges.push_back(ParseAddressRange(text).value());
  }
  return ranges;
}

std::string ClientOf(const char* peer, const char* forwarded) {
  const auto trusted = Ranges({"10.0.0.0/8", "2001:db8:a::/48"});
  return FindClient(Parse(peer), trusted, {forwarded, {}, {}}).address.to_string();
}

TEST(ParseAddressRange, TakesAddressesAndRanges) {
  EXPECT_TRUE(ParseAddressRange("10.0.0.0/8")->Contains(Parse("10.255.0.1")));
  EXPECT_FALSE(ParseAddressRange("10.0.0.0/8")->Contains(Parse("11.0.0.0")));
  EXPECT_TRUE(ParseAddressRange("0.0.0.0/0")->Contains(Parse("203.0.113.9")));
  EXPECT_FALSE(ParseAddressRange("0.0.0.0/0")->Contains(Parse("::1")));
  EXPECT_TRUE(ParseAddressRange("192.0.2.7")->Contains(Parse("192.0.2.7")));
  EXPECT_FALSE(ParseAddressRange("192.0.2.7")->Contains(Parse("192.0.2.6")));
  EXPECT_TRUE(ParseAddressRange("192.0.2.128/25")->Contains(Parse("192.0.2.200")));
  EXPECT_TRUE(ParseAddressRange("2001:db8::/33")->Contains(Parse("2001:db8:7fff::1")));
  EXPECT_FALSE(ParseAddressRange("2001:db8::/33")->Contains(Parse("2001:db8:8000::1")));
}

TEST(ParseAddressRange, RefusesAnythingElse) {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
                           "10.0.0.1/8", "2001:db8::/129", "proxy", "10.0.0.0/8/8", "10.0.0"}) {
    EXPECT_FALSE(ParseAddressRange(text)) << text;
  }
}

TEST(FindClient, BelievesNobodyWhoIsNotTrusted) {
  const Client client = FindClient(Parse("203.0.113.9"), Ranges({"10.0.0.0/8"}),
                                   {"198.51.100.1", "https", "pbx.example"});
  EXPECT_EQ(client.address, Parse("203.0.113.9"));
  EXPECT_FALSE(client.proxied);
  EXPECT_EQ(client.proto, "");
  EXPECT_EQ(client.host, "");
}

TEST(FindClient, ReadsTheListFromTheRight) {
  EXPECT_EQ(ClientOf("10.0.0.1", "198.51.100.1"), "198.51.100.1");
  EXPECT_EQ(ClientOf("10.0.0.1", "1.1.1.1, 198.51.100.1"), "198.51.100.1");
  EXPECT_EQ(ClientOf("10.0.0.1", "1.1.1.1, 198.51.100.1 , 10.0.0.2,2001:db8:a::9"), "198.51.100.1");
  EXPECT_EQ(ClientOf("10.0.0.1", "10.0.0.3, 10.0.0.2"), "10.0.0.3");
  EXPECT_EQ(ClientOf("::ffff:10.0.0.1", "198.51.100.1"), "198.51.100.1");
}

TEST(FindClient, StopsAtWhatIsNoAddress) {
  EXPECT_EQ(ClientOf("10.0.0.1", ""), "10.0.0.1");
  EXPECT_EQ(ClientOf("10.0.0.1", "198.51.100.1, unknown"), "10.0.0.1");
  EXPECT_EQ(ClientOf("10.0.0.1", "198.51.100.1, unknown, 10.0.0.2"), "10.0.0.2");
  EXPECT_EQ(ClientOf("10.0.0.1", "198.51.100.1,"), "10.0.0.1");
  EXPECT_EQ(ClientOf("10.0.0.1", "[::1"), "::1");
}

TEST(FindClient, TakesPortsOff) {
  EXPECT_EQ(ClientOf("10.0.0.1", "198.51.100.1:4711"), "198.51.100.1");
  EXPECT_EQ(ClientOf("10.0.0.1", "[2001:db8:b::1]:4711"), "2001:db8:b::1");
  EXPECT_EQ(ClientOf("10.0.0.1", "2001:db8:b::1"), "2001:db8:b::1");
}

TEST(FindClient, TakesTheNearestProxysProtoAndHost) {
  const auto trusted = Ranges({"10.0.0.1"});
  const auto find = [&](const char* proto, const char* host) {
    return FindClient(Parse("10.0.0.1"), trusted, {"198.51.100.1", proto, host});
  };
  EXPECT_EQ(find("http, https", "evil.example, pbx.example:8443").proto, "https");
  EXPECT_EQ(find("http, https", "evil.example, pbx.example:8443").host, "pbx.example:8443");
  EXPECT_EQ(find("gopher", "a b").proto, "");
  EXPECT_EQ(find("gopher", "a b").host, "");
  EXPECT_EQ(find("https", "pbx.example/x").host, "");
}

TEST(MaskedAddress, HidesTheHost) {
  EXPECT_EQ(MaskedAddress(Parse("203.0.113.77")), "203.0.113.0/24");
  EXPECT_EQ(MaskedAddress(Parse("2001:db8:1:2:3:4:5:6")), "2001:db8:1::/48");
}

class Limits : public ::testing::Test {
 protected:
  std::shared_ptr<ConnectionLimits> limits = std::make_shared<ConnectionLimits>(3, 2, 100);
};

TEST_F(Limits, BoundConnectionsInAll) {
  std::vector<ConnectionSlot> slots;
  for (int i = 0; i < 3; ++i) {
    slots.push_back(limits->Connect().value());
  }
  EXPECT_FALSE(limits->Connect());
  slots.pop_back();
  EXPECT_TRUE(limits->Connect());
}

TEST_F(Limits, BoundConnectionsOfAnAddress) {
  auto one = limits->Connect().value();
  auto two = limits->Connect().value();
  auto three = limits->Connect().value();
  EXPECT_TRUE(one.CountFor(Parse("192.0.2.1")));
  EXPECT_TRUE(one.CountFor(Parse("192.0.2.1")));
  EXPECT_TRUE(two.CountFor(Parse("192.0.2.1")));
  EXPECT_FALSE(three.CountFor(Parse("192.0.2.1")));
  EXPECT_TRUE(three.CountFor(Parse("192.0.2.2")));
  two.CountForNobody();
  EXPECT_TRUE(three.CountFor(Parse("192.0.2.1")));
}

TEST_F(Limits, CountANetworkOfIpv6AsOne) {
  auto one = limits->Connect().value();
  auto two = limits->Connect().value();
  auto three = limits->Connect().value();
  EXPECT_TRUE(one.CountFor(Parse("2001:db8::1")));
  EXPECT_TRUE(two.CountFor(Parse("2001:db8::2")));
  EXPECT_FALSE(three.CountFor(Parse("2001:db8::3")));
  EXPECT_TRUE(three.CountFor(Parse("2001:db8:0:1::3")));
}

TEST_F(Limits, SpareThisMachine) {
  auto one = limits->Connect().value();
  auto two = limits->Connect().value();
  auto three = limits->Connect().value();
  for (ConnectionSlot* slot : {&one, &two, &three}) {
    EXPECT_TRUE(slot->CountFor(Parse("127.0.0.1")));
    EXPECT_TRUE(slot->CountFor(Parse("::1")));
  }
}

TEST_F(Limits, GiveBackWhatAMovedSlotHeld) {
  int times_empty = 0;
  limits->WhenEmpty([&] { ++times_empty; });
  {
    auto one = limits->Connect().value();
    EXPECT_TRUE(one.CountFor(Parse("192.0.2.1")));
    EXPECT_TRUE(one.KeepBytes(60));
    ConnectionSlot moved(std::move(one));
    auto two = limits->Connect().value();
    EXPECT_FALSE(two.KeepBytes(41));
    EXPECT_TRUE(two.KeepBytes(40));
    EXPECT_TRUE(moved.KeepBytes(10));
    EXPECT_TRUE(two.KeepBytes(90));
  }
  EXPECT_EQ(times_empty, 1);
  EXPECT_EQ(limits->connections(), 0u);
  auto again = limits->Connect().value();
  EXPECT_TRUE(again.KeepBytes(100));
}

TEST(AccessLine, HoldsWhatItSays) {
  using namespace std::chrono_literals;
  const AccessRecord record{
      "abc", "POST", "/api/webhooks/{provider}/{event}", 200, 12, 1234us, Parse("203.0.113.9")};
  EXPECT_EQ(AccessLine(record, std::chrono::system_clock::time_point(1767225600123ms)),
            R"({"time":"2026-01-01T00:00:00.123Z","requestId":"abc","method":"POST",)"
            R"("route":"/api/webhooks/{provider}/{event}","status":200,"bytes":12,"ms":1.23,)"
            R"("client":"203.0.113.0/24"})"
            "\n");
}

}  // namespace
}  // namespace switchboard::gateway
