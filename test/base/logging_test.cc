#include "source/base/logging.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace nuncio {
namespace {

constexpr std::string_view kDefaultFormat = "[%Y-%m-%d %T.%e][%t][%l][%n] %v";

std::string Read(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The log is the process's: each test starts from a new file, level info and "%v".
class LoggingTest : public testing::Test {
 protected:
  LoggingTest() : path_(StrCat(testing::TempDir(), "/log.", getpid())) {
    unlink(path_.c_str());
    EXPECT_TRUE(Log::OpenFile(path_).ok());
    EXPECT_TRUE(Log::SetFormat("%v").ok());
    Log::SetLevel(LogLevel::kInfo);
  }
  ~LoggingTest() override {
    EXPECT_TRUE(Log::SetFormat(kDefaultFormat).ok());
    Log::SetLevel(LogLevel::kInfo);
    unlink(path_.c_str());
  }

  // One line in `format`, without its end.
  std::string Line(std::string_view format, std::string_view message = "text", LogLevel level = LogLevel::kWarning) {
    EXPECT_EQ(0, truncate(path_.c_str(), 0));
    const absl::Status status = Log::SetFormat(format);
    if (!status.ok()) return std::string(ToStd(status.message()));
    Log::Write(LogComponent::kUpstream, level, "source/upstream/pool.cc", 42, message);
    const std::string text = Read(path_);
    EXPECT_TRUE(text.ends_with('\n'));
    return text.substr(0, text.size() - 1);
  }

  const std::string path_;
};

TEST_F(LoggingTest, LevelsAreReadInAnyCase) {
  const struct {
    std::string_view name;
    LogLevel level;
  } cases[] = {{"trace", LogLevel::kTrace},     {"debug", LogLevel::kDebug}, {"DEBUG", LogLevel::kDebug},
               {"info", LogLevel::kInfo},       {"Warn", LogLevel::kWarning}, {"warning", LogLevel::kWarning},
               {"error", LogLevel::kError},     {"critical", LogLevel::kCritical}, {"off", LogLevel::kOff}};
  for (const auto& c : cases) {
    const auto level = ParseLogLevel(c.name);
    ASSERT_TRUE(level.ok()) << c.name;
    EXPECT_EQ(c.level, *level) << c.name;
  }
  const auto wrong = ParseLogLevel("loud");
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ("unknown log level 'loud': one of trace, debug, info, warning, error, critical, off",
            ToStd(wrong.status().message()));
}

TEST_F(LoggingTest, MessagesBelowTheLevelAreNotEvenPutTogether) {
  int evaluated = 0;
  NUNCIO_LOG(kMain, kDebug, "a", ++evaluated);
  EXPECT_EQ(0, evaluated);
  NUNCIO_LOG(kMain, kInfo, "b", ++evaluated);
  Log::SetLevel(LogComponent::kMain, LogLevel::kDebug);
  NUNCIO_LOG(kMain, kDebug, "c", ++evaluated);
  NUNCIO_LOG(kHttp, kDebug, "d", ++evaluated);
  Log::SetLevel(LogLevel::kOff);
  NUNCIO_LOG(kMain, kCritical, "e", ++evaluated);
  EXPECT_EQ("b1\nc2\n", Read(path_));
}

TEST_F(LoggingTest, ComponentLevels) {
  ASSERT_TRUE(Log::SetComponentLevels("upstream:debug, connection:TRACE,").ok());
  EXPECT_EQ(LogLevel::kDebug, Log::level(LogComponent::kUpstream));
  EXPECT_EQ(LogLevel::kTrace, Log::level(LogComponent::kConnection));
  EXPECT_EQ(LogLevel::kInfo, Log::level(LogComponent::kMain));
}

TEST_F(LoggingTest, ComponentsThatOnlyEnvoyHasAreTakenWithALineThatSaysSo) {
  ASSERT_TRUE(Log::SetComponentLevels("misc:error,http:debug").ok());
  EXPECT_EQ(LogLevel::kDebug, Log::level(LogComponent::kHttp));
  EXPECT_EQ("the log level of component misc has no effect here: nothing is logged under that name\n", Read(path_));
}

TEST_F(LoggingTest, AFaultInComponentLevelsChangesNone) {
  const struct {
    std::string_view spec;
    std::string_view fault;
  } cases[] = {
      {"http:debug,upstream", "'upstream' is not of the form component:level"},
      {"http:debug,nonsense:info", "unknown log component 'nonsense': one of access_log, admin, "},
      {"http:debug,pool:loud", "unknown log level 'loud'"},
  };
  for (const auto& c : cases) {
    const absl::Status status = Log::SetComponentLevels(c.spec);
    EXPECT_EQ(0u, ToStd(status.message()).find(c.fault)) << status.message();
    EXPECT_EQ(LogLevel::kInfo, Log::level(LogComponent::kHttp)) << c.spec;
  }
}

TEST_F(LoggingTest, Fields) {
  const struct {
    std::string_view format;
    std::string expected;
  } cases[] = {
      {"%v", "text"},
      {"[%l][%L][%n] %v", "[warning][W][upstream] text"},
      {"%g:%# %s %@", "source/upstream/pool.cc:42 pool.cc source/upstream/pool.cc:42"},
      {"%P", StrCat(getpid())},
      {"%^100%%%$", "100%"},
      {"<%10l|%-10l|%=10l|%3l>", "<   warning|warning   | warning  |warning>"},
      {"plain", "plain"},
  };
  for (const auto& c : cases) EXPECT_EQ(c.expected, Line(c.format)) << c.format;
}

TEST_F(LoggingTest, Times) {
  ASSERT_EQ(0, setenv("TZ", "UTC", 1));
  tzset();
  const time_t before = time(nullptr);
  const std::string line = Line("%E %Y-%m-%d %T %H:%M:%S %z %e %f %F");
  const time_t at = strtol(line.c_str(), nullptr, 10);
  EXPECT_GE(at, before);
  EXPECT_LE(at, time(nullptr));
  char expected[64];
  tm utc;
  gmtime_r(&at, &utc);
  strftime(expected, sizeof(expected), "%s %Y-%m-%d %H:%M:%S %H:%M:%S +00:00 ", &utc);
  ASSERT_EQ(0u, line.find(expected)) << line;
  // Milli-, micro- and nanoseconds of the same moment.
  const std::string rest = line.substr(std::string(expected).size());
  ASSERT_EQ(3u + 1 + 6 + 1 + 9, rest.size()) << rest;
  EXPECT_EQ(rest.substr(0, 3), rest.substr(4, 3));
  EXPECT_EQ(rest.substr(4, 6), rest.substr(11, 6));
}

TEST_F(LoggingTest, FaultsOfFormats) {
  EXPECT_EQ("log format has the unknown field '%Q'", Line("%v %Q"));
  for (const char* wrong : {"%v %", "%v %8", "%v %-", "%65v"}) {
    EXPECT_NE(std::string::npos, Line(wrong).find("is no field")) << wrong;
  }
  // The former one is still used.
  Log::Write(LogComponent::kMain, LogLevel::kInfo, "f", 1, "still");
  EXPECT_EQ("still\n", Read(path_));
}

TEST_F(LoggingTest, AMessageIsOneLineWhateverItHolds) {
  EXPECT_EQ("a\\nb\\r\\t\\x1b[0m\\x00\\x7f \xc3\xa4",
            Line("%v", std::string_view("a\nb\r\t\x1b[0m\0\x7f \xc3\xa4", 14)));
  EXPECT_EQ(R"("a\n\"b")", Line("\"%j\"", "a\n\"b"));
}

TEST_F(LoggingTest, AfterARotationTheFileIsOpenedAnew) {
  NUNCIO_LOG(kMain, kInfo, "one");
  const std::string rotated = path_ + ".1";
  ASSERT_EQ(0, rename(path_.c_str(), rotated.c_str()));
  NUNCIO_LOG(kMain, kInfo, "two");
  Log::Reopen();
  NUNCIO_LOG(kMain, kInfo, "three");
  EXPECT_EQ("one\ntwo\n", Read(rotated));
  EXPECT_EQ("three\n", Read(path_));
  unlink(rotated.c_str());
}

TEST_F(LoggingTest, AFileThatCannotBeOpenedIsAnErrorThatNamesIt) {
  const absl::Status status = Log::OpenFile("/nonexistent/dir/log");
  EXPECT_EQ("log file /nonexistent/dir/log: No such file or directory", ToStd(status.message()));
}

TEST_F(LoggingTest, LinesOfSeveralThreadsStayWhole) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 100; ++i) NUNCIO_LOG(kMain, kInfo, std::string(200, static_cast<char>('a' + t)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::istringstream text(Read(path_));
  int lines = 0;
  for (std::string line; std::getline(text, line); ++lines) EXPECT_EQ(std::string(200, line[0]), line);
  EXPECT_EQ(400, lines);
}

}  // namespace
}  // namespace nuncio
