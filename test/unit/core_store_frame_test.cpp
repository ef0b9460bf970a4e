#include "workers/core/store_frame.hpp"

#include <string>

#include <gtest/gtest.h>

namespace switchboard::core {
namespace {

TEST(StoreFrame, GivesBackWhatWasAppendedHoweverTheBytesArrive) {
  std::string stream;
  AppendFrame(stream, FrameOp::kTurn, R"({"worker":"w"})");
  AppendFrame(stream, FrameOp::kWake, "");
  AppendFrame(stream, FrameOp::kReply, std::string(70000, 'x'));
  FrameReader reader;
  std::string seen;
  for (const char byte : stream) {
    reader.Append({&byte, 1});
    while (const auto frame = reader.Next()) {
      seen += static_cast<char>(frame->op) + std::to_string(frame->body.size()) + " ";
    }
  }
  EXPECT_EQ(seen, "T14 w0 r70000 ");
}

TEST(StoreFrame, LengthIsBigEndianAndCountsTheOperation) {
  std::string stream;
  AppendFrame(stream, FrameOp::kGoodbye, std::string(0x0102, ' '));
  EXPECT_EQ(stream.substr(0, 5), std::string("\0\0\x01\x03G", 5));
}

TEST(StoreFrame, RefusesAnImpossibleLengthBeforeBufferingItsBody) {
  FrameReader reader;
  reader.Append(std::string_view("\0\0\0\0", 4));
  EXPECT_THROW(reader.Next(), FrameError);
  FrameReader other;
  other.Append("HTTP/1.1 200 OK\r\n");
  EXPECT_THROW(other.Next(), FrameError);
  std::string out;
  EXPECT_THROW(AppendFrame(out, FrameOp::kTurn, std::string(kMaxFrameBytes, ' ')), FrameError);
}

}  // namespace
}  // namespace switchboard::core
