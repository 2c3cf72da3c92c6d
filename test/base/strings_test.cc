#include "source/base/strings.h"

#include <cerrno>
#include <cstdint>
#include <limits>
#include <string>
#include <unordered_map>

#include "gtest/gtest.h"

namespace nuncio {
namespace {

TEST(StringsTest, StrCatTakesTextsNumbersAndTruthValues) {
  EXPECT_EQ("", StrCat());
  EXPECT_EQ("a b:7 -3 x true 1.5", StrCat("a", std::string(" b"), ':', 7u, std::string_view(" "), -3, ' ', 'x', " ",
                                          true, absl::string_view(" "), 1.5));
  EXPECT_EQ("-9223372036854775808 18446744073709551615 200",
            StrCat(std::numeric_limits<int64_t>::min(), " ", std::numeric_limits<uint64_t>::max(), " ", uint8_t{200}));
  std::string out = "a";
  StrAppend(out, 1, "b");
  EXPECT_EQ("a1b", out);
}

TEST(StringsTest, CaseIsIgnoredForAsciiOnly) {
  EXPECT_TRUE(EqualsIgnoreCase("Content-LENGTH", "content-length"));
  EXPECT_TRUE(EqualsIgnoreCase("", ""));
  EXPECT_FALSE(EqualsIgnoreCase("a", "ab"));
  EXPECT_FALSE(EqualsIgnoreCase("@", "`"));        // Differ by the bit of case.
  EXPECT_FALSE(EqualsIgnoreCase("[", "{"));
  EXPECT_FALSE(EqualsIgnoreCase("\xc3\x84", "\xc3\xa4"));
  EXPECT_TRUE(StartsWithIgnoreCase("X-Envoy-Foo", "x-envoy-"));
  EXPECT_FALSE(StartsWithIgnoreCase("x-env", "x-envoy-"));
  EXPECT_TRUE(EndsWithIgnoreCase("a.Example.COM", ".example.com"));
  EXPECT_FALSE(EndsWithIgnoreCase("com", ".com"));
  EXPECT_EQ("az[@\xc3\x84", AsciiToLower("AZ[@\xc3\x84"));
}

TEST(StringsTest, TrimOwsTakesSpacesAndTabsOnly) {
  EXPECT_EQ("a b", TrimOws(" \t a b\t "));
  EXPECT_EQ("", TrimOws(" \t "));
  EXPECT_EQ("\na\r", TrimOws(" \na\r "));
}

TEST(StringsTest, ParseDecimalTakesDigitsThatFitAndNothingElse) {
  EXPECT_EQ(0u, ParseDecimal<uint32_t>("0"));
  EXPECT_EQ(7u, ParseDecimal<uint32_t>("007"));
  EXPECT_EQ(4294967295u, ParseDecimal<uint32_t>("4294967295"));
  EXPECT_EQ(std::numeric_limits<uint64_t>::max(), ParseDecimal<uint64_t>("18446744073709551615"));
  for (const char* wrong : {"", "-1", "+1", " 1", "1 ", "1x", "0x1", "1.0", "4294967296", "99999999999999999999"}) {
    EXPECT_EQ(std::nullopt, ParseDecimal<uint32_t>(wrong)) << "'" << wrong << "'";
  }
  EXPECT_EQ(std::nullopt, ParseDecimal<int>("-1"));
}

TEST(StringsTest, ErrnoStatusSaysWhatAndWhy) {
  const absl::Status status = ErrnoStatus(ENOENT, "file /x");
  EXPECT_EQ(absl::StatusCode::kNotFound, status.code());
  EXPECT_EQ("file /x: No such file or directory", ToStd(status.message()));
  EXPECT_EQ(absl::StatusCode::kPermissionDenied, ErrnoStatus(EACCES, "x").code());
  EXPECT_EQ(absl::StatusCode::kAlreadyExists, ErrnoStatus(EADDRINUSE, "x").code());
  EXPECT_EQ(absl::StatusCode::kResourceExhausted, ErrnoStatus(EMFILE, "x").code());
  EXPECT_EQ(absl::StatusCode::kUnavailable, ErrnoStatus(ECONNREFUSED, "x").code());
}

TEST(StringsTest, MapsAreSearchedByViews) {
  std::unordered_map<std::string, int, TransparentHash, std::equal_to<>> map{{"key", 1}};
  EXPECT_EQ(1, map.find(std::string_view("keyboard").substr(0, 3))->second);
}

}  // namespace
}  // namespace nuncio
