#include "source/http/grpc/frame_counter.h"

#include <string>

#include "gtest/gtest.h"

namespace nuncio::http::grpc {
namespace {

std::string Frame(uint32_t size) {
  std::string frame(1, '\0');
  for (const int shift : {24, 16, 8, 0}) frame.push_back(static_cast<char>(size >> shift));
  return frame.append(size, 'x');
}

class FrameCounterTest : public testing::Test {
 protected:
  uint64_t Count(std::string_view bytes) {
    buffer::Buffer data(slices_);
    data.Append(bytes);
    return counter_.Count(data);
  }

  buffer::SlicePool slices_;
  FrameCounter counter_;
};

TEST_F(FrameCounterTest, MessagesThatBegin) {
  EXPECT_EQ(Count(Frame(3) + Frame(0) + Frame(100000)), 3u);
  EXPECT_EQ(counter_.since_boundary(), 0u);
  EXPECT_EQ(Count(""), 0u);
}

TEST_F(FrameCounterTest, CutAnywhere) {
  const std::string body = Frame(2) + Frame(0) + Frame(300);
  uint64_t begun = 0;
  for (const char c : body) begun += Count(std::string_view(&c, 1));
  EXPECT_EQ(begun, 3u);
  EXPECT_EQ(counter_.since_boundary(), 0u);
}

TEST_F(FrameCounterTest, BytesOfTheMessageUnderWay) {
  EXPECT_EQ(Count(Frame(4).substr(0, 3)), 1u);
  EXPECT_EQ(counter_.since_boundary(), 3u);
  EXPECT_EQ(Count(Frame(4).substr(3, 4)), 0u);
  EXPECT_EQ(counter_.since_boundary(), 7u);
  EXPECT_EQ(Count("xx\1"), 1u);
  EXPECT_EQ(counter_.since_boundary(), 1u);
}

TEST_F(FrameCounterTest, LengthsOfFourGibibytes) {
  EXPECT_EQ(Count("\xff\xff\xff\xff\xff" + std::string(1000, 'x')), 1u);
  EXPECT_EQ(counter_.since_boundary(), 1005u);
}

}  // namespace
}  // namespace nuncio::http::grpc
