#include "source/http/grpc/timeout.h"

#include <chrono>

#include "gtest/gtest.h"
#include "source/base/longest_duration.h"

namespace nuncio::http::grpc {
namespace {

using namespace std::chrono_literals;

TEST(GrpcTimeout, EveryUnit) {
  EXPECT_EQ(ParseTimeout("2H"), 2h);
  EXPECT_EQ(ParseTimeout("3M"), 3min);
  EXPECT_EQ(ParseTimeout("4S"), 4s);
  EXPECT_EQ(ParseTimeout("5m"), 5ms);
  EXPECT_EQ(ParseTimeout("6u"), 6us);
  EXPECT_EQ(ParseTimeout("7n"), 7ns);
  EXPECT_EQ(ParseTimeout("00000100m"), 100ms);
  EXPECT_EQ(ParseTimeout("0S"), 0ns);
}

TEST(GrpcTimeout, Malformed) {
  for (const char* value : {"", "S", "1", "1s", "1h", "-1S", "+1S", "1.5S", " 1S", "1 S", "123456789S", "1SS"}) {
    EXPECT_FALSE(ParseTimeout(value).has_value()) << value;
  }
}

// A deadline is the present and what a client says.
TEST(GrpcTimeout, TheLongestLeavesRoomForThePresent) {
  for (const char* value : {"876001H", "2562047H", "2562048H", "99999999H", "99999999M"}) {
    EXPECT_EQ(ParseTimeout(value), kLongestDuration) << value;
  }
  EXPECT_EQ(ParseTimeout("876000H"), kLongestDuration);
  EXPECT_EQ(ParseTimeout("875999H"), 875999h);
}

TEST(GrpcTimeout, TheFinestUnitThatFits) {
  EXPECT_EQ(FormatTimeout(1ns), "1n");
  EXPECT_EQ(FormatTimeout(99999999ns), "99999999n");
  EXPECT_EQ(FormatTimeout(100ms), "100000u");
  EXPECT_EQ(FormatTimeout(15s), "15000000u");
  EXPECT_EQ(FormatTimeout(2h), "7200000m");
  EXPECT_EQ(FormatTimeout(0ns), "0n");
  EXPECT_EQ(FormatTimeout(-1s), "0n");
}

TEST(GrpcTimeout, NeverShorterThanAskedFor) {
  EXPECT_EQ(FormatTimeout(100000001ns), "100001u");
  for (std::chrono::nanoseconds timeout(1); timeout < std::chrono::nanoseconds::max() / 4;
       timeout = timeout * 3 + 1ns) {
    const std::string value = FormatTimeout(timeout);
    EXPECT_LE(value.size(), 9u);
    ASSERT_TRUE(ParseTimeout(value).has_value()) << value;
    EXPECT_GE(*ParseTimeout(value), timeout);
  }
  EXPECT_EQ(FormatTimeout(std::chrono::nanoseconds::max()), "2562048H");
}

}  // namespace
}  // namespace nuncio::http::grpc
