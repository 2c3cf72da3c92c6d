#include "source/matcher/regex.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "source/base/strings.h"

namespace nuncio::matcher {
namespace {

using ::testing::HasSubstr;

TEST(RegexTest, MatchesTheWholeSubject) {
  const Regex regex = Regex::Compile("/a+/[0-9]*").value();
  EXPECT_TRUE(regex.Matches("/aaa/17"));
  EXPECT_TRUE(regex.Matches("/a/"));
  EXPECT_FALSE(regex.Matches("/a/17x"));
  EXPECT_FALSE(regex.Matches("x/a/17"));
  EXPECT_FALSE(regex.Matches(""));
}

TEST(RegexTest, RefusesWhatDoesNotCompileWithRe2sReason) {
  const auto regex = Regex::Compile("a(b");
  ASSERT_FALSE(regex.ok());
  EXPECT_THAT(std::string(ToStd(regex.status().message())), HasSubstr("missing )"));
}

TEST(RegexTest, RefusesProgramsThatAreTooLarge) {
  const auto regex = Regex::Compile(std::string(40000, 'a'));
  ASSERT_FALSE(regex.ok());
  EXPECT_THAT(std::string(ToStd(regex.status().message())), HasSubstr("32768"));
}

// What a backtracking engine would not end in a lifetime.
TEST(RegexTest, TimeIsLinearInTheSubject) {
  const Regex regex = Regex::Compile("(a*)*(b*)*c").value();
  EXPECT_FALSE(regex.Matches(std::string(50000, 'a')));
}

class RegexSubstitutionTest : public ::testing::Test {
 protected:
  std::string Apply(std::string_view pattern, std::string_view substitution, std::string_view subject,
                    size_t max_size = 1000) {
    const auto compiled = RegexSubstitution::Compile(pattern, substitution);
    if (!compiled.ok()) return StrCat("refused: ", ToStd(compiled.status().message()));
    const auto result = compiled->Apply(subject, max_size, arena_);
    return result.has_value() ? std::string(*result) : "too long";
  }

  ArenaBlockPool pool_;
  Arena arena_{pool_};
};

TEST_F(RegexSubstitutionTest, ReplacesEveryMatch) {
  EXPECT_EQ(Apply("o", "0", "/foo/boo"), "/f00/b00");
  EXPECT_EQ(Apply("^/service/([^/]+)(/.*)$", "\\2/instance/\\1", "/service/foo/v1/api"), "/v1/api/instance/foo");
  EXPECT_EQ(Apply("one", "two", "/xxx/one/yyy/one/zzz"), "/xxx/two/yyy/two/zzz");
  EXPECT_EQ(Apply("(?i)/xxx/", "/yyy/", "/aaa/XxX/bbb"), "/aaa/yyy/bbb");
  EXPECT_EQ(Apply("b+", "[\\0]", "abbbcb"), "a[bbb]c[b]");
  EXPECT_EQ(Apply("b", "\\\\", "abc"), "a\\c");
  EXPECT_EQ(Apply("b", "", "abc"), "ac");
  EXPECT_EQ(Apply("nothing", "x", "abc"), "abc");
}

TEST_F(RegexSubstitutionTest, AGroupThatTookNoPartIsEmpty) { EXPECT_EQ(Apply("(a)|(b)", "<\\1\\2>", "ab"), "<a><b>"); }

TEST_F(RegexSubstitutionTest, EmptyMatchesAreReplacedBetweenCharacters) {
  EXPECT_EQ(Apply("x*", "-", "abc"), "-a-b-c-");
  EXPECT_EQ(Apply("b*", "-", "abc"), "-a-c-");
  EXPECT_EQ(Apply("x*", "-", ""), "-");
  EXPECT_EQ(Apply("x*", "-", std::string_view()), "-");
  // Characters, not bytes.
  EXPECT_EQ(Apply("x*", "-", "\xC3\xA9z"), "-\xC3\xA9-z-");
}

TEST_F(RegexSubstitutionTest, RefusesWrongReferences) {
  EXPECT_THAT(Apply("a(b)", "\\2", ""), HasSubstr("refers to group \\2, but the pattern has 1"));
  EXPECT_THAT(Apply("a", "\\x", ""), HasSubstr("backslash"));
  EXPECT_THAT(Apply("a", "end\\", ""), HasSubstr("backslash"));
  EXPECT_THAT(Apply("(", "", ""), HasSubstr("is no RE2 expression"));
}

TEST_F(RegexSubstitutionTest, ALongResultIsCutOffWithoutBeingMade) {
  EXPECT_EQ(Apply("a", std::string(100, 'b'), std::string(10, 'a'), 1000), std::string(1000, 'b'));
  EXPECT_EQ(Apply("a", std::string(100, 'b'), std::string(11, 'a'), 1000), "too long");
  Arena arena(pool_);
  const auto substitution = RegexSubstitution::Compile("a", std::string(10000, 'b')).value();
  EXPECT_FALSE(substitution.Apply(std::string(60000, 'a'), 100000, arena).has_value());
  EXPECT_LT(arena.held(), 1000000u);
}

}  // namespace
}  // namespace nuncio::matcher
