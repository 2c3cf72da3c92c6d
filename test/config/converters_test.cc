#include "source/config/converters.h"

#include <chrono>

#include "gtest/gtest.h"
#include "source/base/longest_duration.h"

namespace nuncio::config {
namespace {

using namespace std::chrono_literals;

google::protobuf::Duration Proto(int64_t seconds, int32_t nanos) {
  google::protobuf::Duration duration;
  duration.set_seconds(seconds);
  duration.set_nanos(nanos);
  return duration;
}

TEST(ToDurationTest, Converts) {
  Faults faults;
  EXPECT_EQ(ToDuration(Proto(0, 0), faults), 0ns);
  EXPECT_EQ(ToDuration(Proto(1, 500'000'000), faults), 1500ms);
  EXPECT_TRUE(faults.empty());
}

TEST(ToDurationTest, LeavesRoomForThePresentAndAJitter) {
  Faults faults;
  EXPECT_EQ(ToDuration(Proto(3'153'599'999, 999'999'999), faults), 3'153'599'999s + 999'999'999ns);
  EXPECT_EQ(ToDuration(Proto(3'153'600'000, 0), faults), kLongestDuration);
  EXPECT_EQ(ToDuration(Proto(3'153'600'000, 1), faults), kLongestDuration);
  EXPECT_EQ(ToDuration(Proto(9'223'372'035, 999'999'999), faults), kLongestDuration);
  EXPECT_TRUE(faults.empty());
}

TEST(ToDurationTest, RefusesWhatIsNoLengthOfTime) {
  const std::pair<google::protobuf::Duration, const char*> cases[] = {
      {Proto(-1, 0), "must not be negative (is -1s)"},
      {Proto(0, -1), "must not be negative (is -0.000000001s)"},
      {Proto(1, -1), "is not a valid duration: 1 seconds and -1 nanos"},
      {Proto(0, 1'000'000'000), "is not a valid duration: 0 seconds and 1000000000 nanos"},
      {Proto(9'223'372'036, 0), "must be at most 9223372035s (is 9223372036s)"},
  };
  for (const auto& [duration, expected] : cases) {
    Faults faults;
    EXPECT_EQ(ToDuration(duration, faults), 0ns);
    EXPECT_EQ(faults.ToString(), expected);
  }
}

TEST(DurationFieldTest, DefaultAndPath) {
  Faults faults;
  EXPECT_EQ(DurationField(false, Proto(3, 0), "timeout", 15s, faults), 15s);
  EXPECT_EQ(DurationField(true, Proto(3, 0), "timeout", 15s, faults), 3s);
  EXPECT_TRUE(faults.empty());
  DurationField(true, Proto(-3, 0), "timeout", 15s, faults);
  EXPECT_EQ(faults.list()[0].field_path, "timeout");
}

TEST(FormatDurationTest, Seconds) {
  EXPECT_EQ(FormatDuration(1500ms), "1.500s");
  EXPECT_EQ(FormatDuration(0ns), "0s");
}

TEST(ToFractionTest, FractionalPercent) {
  Faults faults;
  envoy::type::v3::FractionalPercent percent;
  percent.set_numerator(25);
  EXPECT_EQ(ToFraction(percent, faults), (Fraction{25, 100}));
  percent.set_denominator(envoy::type::v3::FractionalPercent::MILLION);
  EXPECT_EQ(ToFraction(percent, faults), (Fraction{25, 1'000'000}));
  EXPECT_TRUE(faults.empty());
  percent.set_denominator(static_cast<envoy::type::v3::FractionalPercent::DenominatorType>(9));
  ToFraction(percent, faults);
  EXPECT_EQ(faults.ToString(), "denominator: must be one of HUNDRED, TEN_THOUSAND, MILLION (is 9)");
}

TEST(ToFractionTest, Percent) {
  Faults faults;
  envoy::type::v3::Percent percent;
  percent.set_value(12.3456);
  EXPECT_EQ(ToFraction(percent, faults), (Fraction{123'456, 1'000'000}));
  percent.set_value(100);
  EXPECT_TRUE(ToFraction(percent, faults).always());
  EXPECT_TRUE(faults.empty());
  percent.set_value(100.5);
  ToFraction(percent, faults);
  EXPECT_EQ(faults.ToString(), "value: must be from 0 to 100 (is 100.5)");
}

}  // namespace
}  // namespace nuncio::config
