#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "source/http/grpc/frame_reader.h"
#include "source/http/grpc/frame_writer.h"

namespace nuncio::http::grpc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Result = FrameReader::Result;

class FrameTest : public testing::Test {
 protected:
  void Add(FrameReader& reader, std::string_view bytes) {
    buffer::Buffer data(slices_);
    data.Append(bytes);
    reader.Add(data);
    EXPECT_TRUE(data.empty());
  }
  // All messages that are complete.
  std::vector<std::string> Read(FrameReader& reader) {
    std::vector<std::string> messages;
    for (;;) {
      buffer::Buffer message(slices_);
      if (reader.Next(message) != Result::kMessage) return messages;
      messages.push_back(message.ToString());
    }
  }

  buffer::SlicePool slices_;
};

TEST_F(FrameTest, WhatIsWrittenIsReadAtEveryCut) {
  buffer::Buffer out(slices_);
  ASSERT_TRUE(AppendMessage("hello", out));
  ASSERT_TRUE(AppendMessage("", out));
  buffer::Buffer large(slices_);
  large.Append(std::string(70000, 'x'));
  ASSERT_TRUE(FrameMessage(large));
  out.MoveFrom(large);
  ASSERT_TRUE(AppendMessage("end", out));
  const std::string bytes = out.ToString();
  for (const size_t step : {size_t{1}, size_t{2}, size_t{3}, size_t{5}, size_t{7}, size_t{4096}, bytes.size()}) {
    FrameReader reader(slices_);
    EXPECT_TRUE(reader.at_boundary());
    std::vector<std::string> messages;
    for (size_t at = 0; at < bytes.size(); at += step) {
      Add(reader, std::string_view(bytes).substr(at, step));
      for (std::string& message : Read(reader)) messages.push_back(std::move(message));
    }
    ASSERT_THAT(messages, ElementsAre("hello", "", testing::SizeIs(70000), "end"));
    EXPECT_TRUE(reader.at_boundary());
    EXPECT_TRUE(reader.status().ok());
  }
}

TEST_F(FrameTest, TheHeaderIsFlagsAndLength) {
  buffer::Buffer out(slices_);
  ASSERT_TRUE(AppendMessage(std::string(0x010203, 'x'), out));
  EXPECT_EQ(out.ToString().substr(0, 5), std::string("\0\0\1\2\3", 5));
}

TEST_F(FrameTest, ABodyThatEndsWithinAMessageIsNotAtABoundary) {
  FrameReader reader(slices_);
  for (const char c : std::string("\0\0\0\0\2a", 6)) {
    Add(reader, std::string_view(&c, 1));
    EXPECT_TRUE(Read(reader).empty());
    EXPECT_FALSE(reader.at_boundary());
  }
  Add(reader, "b");
  EXPECT_THAT(Read(reader), ElementsAre("ab"));
  EXPECT_TRUE(reader.at_boundary());
}

TEST_F(FrameTest, ALongMessageIsRefusedByItsLength) {
  FrameReader reader(slices_, 100);
  Add(reader, std::string("\0\0\0\0\x64", 5) + std::string(100, 'x'));
  EXPECT_EQ(Read(reader).size(), 1);
  Add(reader, std::string("\0\0\0\0\x65", 5));
  EXPECT_TRUE(Read(reader).empty());
  EXPECT_EQ(reader.status().code, StatusCode::kResourceExhausted);
  EXPECT_THAT(reader.status().message, HasSubstr("101 bytes is over the limit of 100"));
  Add(reader, "more");
  buffer::Buffer message(slices_);
  EXPECT_EQ(reader.Next(message), Result::kError);
}

TEST_F(FrameTest, CompressedAndUnknownFlagsAreRefused) {
  for (const char flags : {'\1', '\2', '\3', '\xff'}) {
    FrameReader reader(slices_);
    Add(reader, flags + std::string("\0\0\0\1x", 5));
    buffer::Buffer message(slices_);
    EXPECT_EQ(reader.Next(message), Result::kError);
    EXPECT_EQ(reader.status().code, StatusCode::kInternal);
    EXPECT_TRUE(message.empty());
  }
}

TEST_F(FrameTest, NothingIsLeftInThePool) {
  {
    FrameReader reader(slices_);
    Add(reader, std::string("\0\0\0\xff\xff", 5) + std::string(1000, 'x'));
    EXPECT_TRUE(Read(reader).empty());
  }
  EXPECT_EQ(slices_.bytes_in_use(), 0);
}

}  // namespace
}  // namespace nuncio::http::grpc
