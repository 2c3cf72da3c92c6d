#include "source/config/scalar_text.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace nuncio::config {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr uint64_t kMaxUnsigned = std::numeric_limits<uint64_t>::max();

TEST(ParseBoolTest, TakesYamlsWords) {
  for (const char* text : {"true", "True", "TRUE", "yes", "Yes", "on", "ON", "y"})
    EXPECT_EQ(ParseBool(text), true) << text;
  for (const char* text : {"false", "no", "NO", "off", "Off", "n"}) EXPECT_EQ(ParseBool(text), false) << text;
  for (const char* text : {"", "tRue", "1", "0", "truee", "yess", "enabled"}) EXPECT_FALSE(ParseBool(text)) << text;
}

TEST(ParseSignedTest, TakesWhatYamlCallsANumber) {
  EXPECT_EQ(ParseSigned("0", true, kMin, kMax), 0);
  EXPECT_EQ(ParseSigned("-17", true, kMin, kMax), -17);
  EXPECT_EQ(ParseSigned("+17", true, kMin, kMax), 17);
  EXPECT_EQ(ParseSigned("0x1F", true, kMin, kMax), 31);
  EXPECT_EQ(ParseSigned("0644", true, kMin, kMax), 420);
  EXPECT_EQ(ParseSigned("1.0", true, kMin, kMax), 1);
  EXPECT_EQ(ParseSigned("-2e3", true, kMin, kMax), -2000);
  EXPECT_EQ(ParseSigned("9223372036854775807", true, kMin, kMax), kMax);
  EXPECT_EQ(ParseSigned("-9223372036854775808", true, kMin, kMax), kMin);
}

TEST(ParseSignedTest, RefusesTheRest) {
  for (const char* text : {"", "-", "+", "--1", "+-1", "1.5", "1e99", "9223372036854775808", "-9223372036854775809",
                           "0x", "12a", " 1", "1 ", "nan", ".inf", "089", "1_000"}) {
    EXPECT_FALSE(ParseSigned(text, true, kMin, kMax)) << text;
  }
  EXPECT_FALSE(ParseSigned("0644", false, kMin, kMax)) << "a quoted leading zero is ambiguous";
  EXPECT_FALSE(ParseSigned("128", true, -128, 127));
  EXPECT_FALSE(ParseSigned("-129", true, -128, 127));
}

TEST(ParseUnsignedTest, HoldsItsRange) {
  EXPECT_EQ(ParseUnsigned("18446744073709551615", true, kMaxUnsigned), kMaxUnsigned);
  EXPECT_EQ(ParseUnsigned("65535.0", true, 65535), 65535u);
  EXPECT_EQ(ParseUnsigned("0", false, 1), 0u);
  for (const char* text : {"18446744073709551616", "-1", "-1.0", "", "1e30"}) {
    EXPECT_FALSE(ParseUnsigned(text, true, kMaxUnsigned)) << text;
  }
  EXPECT_FALSE(ParseUnsigned("65536", true, 65535));
}

TEST(ParseDoubleTest, TakesNumbersAndNamedOnes) {
  EXPECT_EQ(ParseDouble("1.5"), 1.5);
  EXPECT_EQ(ParseDouble("-1e-3"), -0.001);
  EXPECT_EQ(ParseDouble("10"), 10.0);
  EXPECT_TRUE(std::isnan(*ParseDouble("NaN")));
  EXPECT_TRUE(std::isnan(*ParseDouble(".nan")));
  EXPECT_EQ(ParseDouble("-Infinity"), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(ParseDouble(".inf"), std::numeric_limits<double>::infinity());
  for (const char* text : {"", "inf", "nan", "1.5x", "infinity", "1e999", "0x10", "--1", "e5"}) {
    EXPECT_FALSE(ParseDouble(text)) << text;
  }
}

TEST(ParseDurationTest, TakesUnits) {
  struct Case {
    const char* text;
    int64_t seconds;
    int32_t nanos;
  };
  const std::vector<Case> cases = {{"0s", 0, 0},
                                   {"15s", 15, 0},
                                   {"1.5s", 1, 500'000'000},
                                   {"0.250s", 0, 250'000'000},
                                   {"0.000000001s", 0, 1},
                                   {"250ms", 0, 250'000'000},
                                   {"2.5ms", 0, 2'500'000},
                                   {"10us", 0, 10'000},
                                   {"7ns", 0, 7},
                                   {"2m", 120, 0},
                                   {"0.5h", 1800, 0},
                                   {"1h30m", 5400, 0},
                                   {"1m0.5s", 60, 500'000'000},
                                   {"-1.5s", -1, -500'000'000},
                                   {"3.s", 3, 0},
                                   {"315576000000s", 315'576'000'000, 0}};
  for (const Case& c : cases) {
    std::string reason;
    const auto parsed = ParseDuration(c.text, reason);
    ASSERT_TRUE(parsed) << c.text << ": " << reason;
    EXPECT_EQ(parsed->seconds, c.seconds) << c.text;
    EXPECT_EQ(parsed->nanos, c.nanos) << c.text;
  }
}

TEST(ParseDurationTest, SaysWhatIsWrong) {
  const std::vector<std::pair<const char*, const char*>> cases = {{"", "is empty"},
                                                                  {"-", "is empty"},
                                                                  {"5", "without a unit"},
                                                                  {"1h5", "without a unit"},
                                                                  {"5 s", "unknown unit"},
                                                                  {"5d", "unknown unit"},
                                                                  {"5S", "unknown unit"},
                                                                  {"s", "must be a duration"},
                                                                  {".5s", "must be a duration"},
                                                                  {"1.2.3s", "must be a duration"},
                                                                  {"1s-1s", "unknown unit"},
                                                                  {"0.0000000001s", "finer than a nanosecond"},
                                                                  {"1.5ns", "finer than a nanosecond"},
                                                                  {"315576000001s", "out of range"},
                                                                  {"99999999999999999999s", "out of range"},
                                                                  {"999999999999999999h", "out of range"}};
  for (const auto& [text, expected] : cases) {
    std::string reason;
    EXPECT_FALSE(ParseDuration(text, reason)) << text;
    EXPECT_NE(reason.find(expected), std::string::npos) << text << ": " << reason;
  }
}

TEST(Base64Test, BothAlphabetsWithAndWithoutPadding) {
  EXPECT_EQ(ParseBase64("aGVsbG8="), "hello");
  EXPECT_EQ(ParseBase64("aGVsbG8"), "hello");
  EXPECT_EQ(ParseBase64("+/8="), "\xfb\xff");
  EXPECT_EQ(ParseBase64("-_8"), "\xfb\xff");
  EXPECT_EQ(ParseBase64("aGVs\n  bG8="), "hello");
  EXPECT_EQ(ParseBase64(""), "");
  for (const char* text : {"a", "a===", "aGVsbG8==", "aG=s", "a*b=", "=", "aGVs="})
    EXPECT_FALSE(ParseBase64(text)) << text;
}

TEST(Base64Test, RoundTrip) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(ParseBase64(ToBase64(bytes)), bytes);
    bytes += static_cast<char>(i * 37);
  }
  EXPECT_EQ(ToBase64("hello"), "aGVsbG8=");
}

TEST(EditDistanceTest, CountsEditsUpToTheLimit) {
  EXPECT_EQ(EditDistance("cluster", "cluster", 3), 0u);
  EXPECT_EQ(EditDistance("clustr", "cluster", 3), 1u);
  EXPECT_EQ(EditDistance("kitten", "sitting", 3), 3u);
  EXPECT_EQ(EditDistance("kitten", "sitting", 2), 3u);
  EXPECT_EQ(EditDistance("", "abc", 3), 3u);
  EXPECT_EQ(EditDistance("abc", "", 1), 2u);
}

}  // namespace
}  // namespace nuncio::config
