#include "source/http/date.h"

#include "gtest/gtest.h"

namespace nuncio::http {
namespace {

SystemTime At(int64_t seconds, int64_t nanoseconds = 0) {
  return SystemTime(std::chrono::seconds(seconds) + std::chrono::nanoseconds(nanoseconds));
}

TEST(DateTextTest, ImfFixdate) {
  DateText date;
  // RFC 9110 5.6.7's own example.
  EXPECT_EQ(date.At(At(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date.At(At(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(date.At(At(951782399)), "Mon, 28 Feb 2000 23:59:59 GMT");
  EXPECT_EQ(date.At(At(951782400)), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(date.At(At(4102444799)), "Thu, 31 Dec 2099 23:59:59 GMT");
}

TEST(DateTextTest, ChangesWithTheSecond) {
  DateText date;
  EXPECT_EQ(date.At(At(1767225600, 0)), "Thu, 01 Jan 2026 00:00:00 GMT");
  EXPECT_EQ(date.At(At(1767225600, 999999999)), "Thu, 01 Jan 2026 00:00:00 GMT");
  EXPECT_EQ(date.At(At(1767225601, 0)), "Thu, 01 Jan 2026 00:00:01 GMT");
  // A clock set back.
  EXPECT_EQ(date.At(At(1767225600, 0)), "Thu, 01 Jan 2026 00:00:00 GMT");
}

}  // namespace
}  // namespace nuncio::http
