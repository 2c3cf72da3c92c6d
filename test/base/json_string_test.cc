#include "source/base/json_string.h"

#include <string>

#include "gtest/gtest.h"

namespace nuncio {
namespace {

std::string Json(std::string_view text) {
  std::string out;
  AppendJsonString(out, text);
  return out;
}

TEST(JsonString, QuotesAndEscapes) {
  EXPECT_EQ(Json(""), "\"\"");
  EXPECT_EQ(Json("plain /path?x=1"), "\"plain /path?x=1\"");
  EXPECT_EQ(Json("a\"b\\c\n\r\t"), "\"a\\\"b\\\\c\\n\\r\\t\"");
  EXPECT_EQ(Json(std::string_view("\0\x1f\x7f", 3)), "\"\\u0000\\u001f\\u007f\"");
}

TEST(JsonString, KeepsUtf8) {
  const std::string text = "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \xed\x9f\xbf \xf4\x8f\xbf\xbf";
  EXPECT_EQ(Json(text), "\"" + text + "\"");
}

TEST(JsonString, ReplacesWhatIsNotUtf8) {
  constexpr std::string_view kBad = "\xef\xbf\xbd";
  const auto bad = [&](int n) {
    std::string out = "\"";
    for (int i = 0; i < n; ++i) out += kBad;
    return out + "\"";
  };
  EXPECT_EQ(Json("\xff"), bad(1));
  EXPECT_EQ(Json("\x80"), bad(1));
  EXPECT_EQ(Json("\xc3"), bad(1));              // cut short
  EXPECT_EQ(Json("\xc0\x80"), bad(2));          // overlong
  EXPECT_EQ(Json("\xe0\x9f\x80"), bad(3));      // overlong
  EXPECT_EQ(Json("\xed\xa0\x80"), bad(3));      // a surrogate
  EXPECT_EQ(Json("\xf4\x90\x80\x80"), bad(4));  // above U+10FFFF
}

}  // namespace
}  // namespace nuncio
