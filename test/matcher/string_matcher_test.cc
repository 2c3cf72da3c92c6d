#include "source/matcher/string_matcher.h"

#include <random>
#include <string>

#include "gtest/gtest.h"
#include "source/base/strings.h"

namespace nuncio::matcher {
namespace {

using Kind = StringMatcher::Kind;

struct Case {
  Kind kind;
  std::string_view text;
  bool ignore_case;
  std::string_view subject;
  bool matches;
};

TEST(StringMatcherTest, Kinds) {
  const Case cases[] = {
      {Kind::kExact, "Abc", false, "Abc", true},
      {Kind::kExact, "Abc", false, "abc", false},
      {Kind::kExact, "Abc", true, "aBC", true},
      {Kind::kExact, "abc", false, "abcd", false},
      {Kind::kExact, "", false, "", true},
      {Kind::kExact, "", false, "a", false},
      {Kind::kPrefix, "ab", false, "abc", true},
      {Kind::kPrefix, "ab", false, "ab", true},
      {Kind::kPrefix, "ab", false, "a", false},
      {Kind::kPrefix, "ab", false, "Abc", false},
      {Kind::kPrefix, "Ab", true, "aBc", true},
      {Kind::kSuffix, "bc", false, "abc", true},
      {Kind::kSuffix, "bc", false, "abC", false},
      {Kind::kSuffix, "bc", true, "abC", true},
      {Kind::kSuffix, "abc", false, "bc", false},
      {Kind::kContains, "bc", false, "abcd", true},
      {Kind::kContains, "bc", false, "acbd", false},
      {Kind::kContains, "BC", true, "abcd", true},
      {Kind::kContains, "bc", true, "xBbC", true},
      {Kind::kContains, "bc", true, "", false},
      // Bytes beyond ASCII have no case here.
      {Kind::kExact, "\xC4", true, "\xE4", false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(StringMatcher(c.kind, c.text, c.ignore_case).Matches(c.subject), c.matches)
        << static_cast<int>(c.kind) << " " << c.text << " in " << c.subject;
  }
}

TEST(StringMatcherTest, RegexMatchesTheWholeValue) {
  const StringMatcher matcher(Regex::Compile("a.c").value());
  EXPECT_TRUE(matcher.Matches("abc"));
  EXPECT_FALSE(matcher.Matches("xabc"));
}

// The search without regard to case must find what a plain search in lower case finds, repetitive texts above all.
TEST(StringMatcherTest, ContainsWithoutCaseFindsWhatASearchInLowerCaseFinds) {
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    const auto text = [&](size_t max) {
      std::string s(random() % (max + 1), ' ');
      for (char& c : s) c = "aAbB"[random() % 4];
      return s;
    };
    const std::string needle = text(6);
    const std::string subject = text(20);
    const bool expected = AsciiToLower(subject).find(AsciiToLower(needle)) != std::string::npos;
    ASSERT_EQ(StringMatcher(Kind::kContains, needle, true).Matches(subject), expected) << needle << " in " << subject;
  }
}

TEST(StringMatcherListTest, MatchesWhatOneMatches) {
  const StringMatcherList list({StringMatcher(Kind::kExact, "a", false), StringMatcher(Kind::kPrefix, "b", false)});
  EXPECT_TRUE(list.Matches("a"));
  EXPECT_TRUE(list.Matches("bx"));
  EXPECT_FALSE(list.Matches("ax"));
  EXPECT_FALSE(StringMatcherList({}).Matches("a"));
}

}  // namespace
}  // namespace nuncio::matcher
