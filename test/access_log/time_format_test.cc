#include "source/access_log/time_format.h"

#include <stdlib.h>
#include <time.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace nuncio::access_log {
namespace {

const SystemTime kTime{std::chrono::seconds(1767323045) + std::chrono::nanoseconds(12345678)};

std::string Format(std::string_view pattern, SystemTime time = kTime, TimeFormat::Zone zone = TimeFormat::Zone::kUtc) {
  TimeFormat format;
  std::string error, out;
  EXPECT_TRUE(TimeFormat::Parse(pattern, zone, &format, &error)) << error;
  format.Append(time, out);
  return out;
}

TEST(TimeFormat, PartsOfTheSecond) {
  EXPECT_EQ(Format(""), "2026-01-02T03:04:05.012Z");
  EXPECT_EQ(Format("%f|%1f|%3f|%6f|%9f"), "012345678|0|012|012345|012345678");
  EXPECT_EQ(Format("%s|%3s|%6s|%9s"), "1767323045|1767323045012|1767323045012345|1767323045012345678");
  EXPECT_EQ(Format("%E3S|%E0S|%E*S|%E3f"), "05.012|05|05.012345678|012");
}

TEST(TimeFormat, CalendarConversionsAndLiterals) {
  EXPECT_EQ(Format("%d/%b/%Y:%H:%M:%S %z 100%%"), "02/Jan/2026:03:04:05 +0000 100%");
  EXPECT_EQ(Format("%n"), "\n");
  EXPECT_EQ(Format("plain"), "plain");
}

TEST(TimeFormat, UtcIsThatOfTheCLibrary) {
  // Some thousand days from 1901 to 2105, leap days and ends of years among them, at all times of day.
  for (int64_t second = -2'150'000'000; second < 4'270'000'000; second += 1'234'567) {
    const time_t at = static_cast<time_t>(second);
    tm parts{};
    gmtime_r(&at, &parts);
    char wanted[128];
    strftime(wanted, sizeof(wanted), "%Y-%m-%d %H:%M:%S %a %b %j %U %G-%V %Z", &parts);
    ASSERT_EQ(Format("%Y-%m-%d %H:%M:%S %a %b %j %U %G-%V %Z", SystemTime(std::chrono::seconds(second))), wanted);
  }
}

TEST(TimeFormat, BeforeTheEpoch) {
  EXPECT_EQ(Format("%s.%3f %S", SystemTime(std::chrono::milliseconds(-250))), "-1.750 59");
}

TEST(TimeFormat, ManyFormatsShareTheCacheOfAThread) {
  std::vector<TimeFormat> formats(20);
  std::string error;
  for (size_t i = 0; i < formats.size(); ++i) {
    ASSERT_TRUE(TimeFormat::Parse(std::to_string(i) + " %S.%1f", TimeFormat::Zone::kUtc, &formats[i], &error));
  }
  for (int second = 0; second < 3; ++second) {
    for (int round = 0; round < 2; ++round) {
      for (size_t i = 0; i < formats.size(); ++i) {
        std::string out;
        formats[i].Append(SystemTime(std::chrono::seconds(second) + std::chrono::milliseconds(round * 500)), out);
        EXPECT_EQ(out, std::to_string(i) + " 0" + std::to_string(second) + (round == 0 ? ".0" : ".5"));
      }
    }
  }
}

TEST(TimeFormat, LocalTime) {
  setenv("TZ", "UTC-2", 1);
  tzset();
  EXPECT_EQ(Format("%H:%M %z", kTime, TimeFormat::Zone::kLocal), "05:04 +0200");
  unsetenv("TZ");
  tzset();
}

TEST(TimeFormat, RefusesWhatItDoesNotKnow) {
  TimeFormat format;
  std::string error;
  for (const char* pattern : {"%Q", "%", "abc%", "%0f", "%4s", "a\nb", "%E"}) {
    EXPECT_FALSE(TimeFormat::Parse(pattern, TimeFormat::Zone::kUtc, &format, &error)) << pattern;
  }
}

}  // namespace
}  // namespace nuncio::access_log
