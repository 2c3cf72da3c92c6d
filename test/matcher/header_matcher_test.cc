#include "source/matcher/header_matcher.h"

#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "test/matcher/request.h"

namespace nuncio::matcher {
namespace {

StringMatcher Exact(std::string_view text) { return StringMatcher(StringMatcher::Kind::kExact, text, false); }

bool Matches(std::string_view field, HeaderMatcher::Test test, HeaderMatcher::Options options, TestRequest& request) {
  return HeaderMatcher(RequestField(field), std::move(test), options).Matches(request.head);
}

TEST(HeaderMatcherTest, PresenceAndAbsence) {
  TestRequest request("a.com", "/", {{"X-One", "1"}, {"x-empty", ""}});
  EXPECT_TRUE(Matches("x-one", Presence{true}, {}, request));
  EXPECT_TRUE(Matches("X-EMPTY", Presence{true}, {}, request));
  EXPECT_FALSE(Matches("x-two", Presence{true}, {}, request));
  EXPECT_FALSE(Matches("x-one", Presence{false}, {}, request));
  EXPECT_TRUE(Matches("x-two", Presence{false}, {}, request));
  // Inversion turns both round.
  EXPECT_FALSE(Matches("x-one", Presence{true}, {.invert = true}, request));
  EXPECT_TRUE(Matches("x-two", Presence{true}, {.invert = true}, request));
  EXPECT_FALSE(Matches("x-two", Presence{false}, {.invert = true}, request));
  // An absent header that counts as empty is there.
  EXPECT_TRUE(Matches("x-two", Presence{true}, {.treat_missing_as_empty = true}, request));
}

TEST(HeaderMatcherTest, TextTests) {
  TestRequest request("a.com", "/", {{"x-one", "1"}, {"user-agent", "curl"}});
  EXPECT_TRUE(Matches("x-one", Exact("1"), {}, request));
  EXPECT_FALSE(Matches("x-one", Exact("2"), {}, request));
  EXPECT_TRUE(Matches("User-Agent", Exact("curl"), {}, request));
  EXPECT_FALSE(Matches("x-one", Exact("1"), {.invert = true}, request));
  EXPECT_TRUE(Matches("x-one", Exact("2"), {.invert = true}, request));
}

TEST(HeaderMatcherTest, AMissingHeaderFailsEvenAnInvertedTestUnlessItCountsAsEmpty) {
  TestRequest request("a.com", "/");
  EXPECT_FALSE(Matches("x-one", Exact("1"), {}, request));
  EXPECT_FALSE(Matches("x-one", Exact("1"), {.invert = true}, request));
  EXPECT_TRUE(Matches("x-one", Exact("1"), {.invert = true, .treat_missing_as_empty = true}, request));
  EXPECT_TRUE(Matches("x-one", Exact(""), {.treat_missing_as_empty = true}, request));
  EXPECT_FALSE(Matches("x-one", IntegerRange{0, 10}, {.treat_missing_as_empty = true}, request));
}

TEST(HeaderMatcherTest, SeveralFieldsCountAsOneValue) {
  TestRequest request("a.com", "/", {{"x-one", "1"}, {"y", "0"}, {"X-One", "2"}});
  EXPECT_TRUE(Matches("x-one", Exact("1,2"), {}, request));
  EXPECT_FALSE(Matches("x-one", Exact("1"), {}, request));
}

TEST(HeaderMatcherTest, PseudoHeaders) {
  TestRequest request("a.com:80", "/p?q=1", {{":fake", "1"}});
  EXPECT_TRUE(Matches(":method", Exact("GET"), {}, request));
  EXPECT_TRUE(Matches(":path", Exact("/p?q=1"), {}, request));
  EXPECT_TRUE(Matches(":authority", Exact("a.com:80"), {}, request));
  EXPECT_TRUE(Matches("Host", Exact("a.com:80"), {}, request));
  EXPECT_TRUE(Matches(":scheme", Exact("http"), {}, request));
  EXPECT_FALSE(Matches(":protocol", Presence{true}, {}, request));
  TestRequest bare("", "/");
  EXPECT_FALSE(Matches(":authority", Presence{true}, {}, bare));
}

TEST(HeaderMatcherTest, Ranges) {
  const struct {
    std::string_view value;
    bool matches;
  } cases[] = {{"-10", true}, {"0", true},    {"+5", true},   {"9", true},  {"10", false},
               {"-11", false}, {"5.0", false}, {"5a", false}, {"", false}, {"+-5", false},
               {" 5", false},  {"99999999999999999999", false}};
  for (const auto& c : cases) {
    TestRequest request("a.com", "/", {{"x", c.value}});
    EXPECT_EQ(Matches("x", IntegerRange{-10, 10}, {}, request), c.matches) << c.value;
  }
  EXPECT_FALSE((IntegerRange{5, 5}.Contains(5)));
  EXPECT_TRUE((IntegerRange{INT64_MIN, INT64_MAX}.ContainsText("-9223372036854775808")));
}

TEST(HeaderMatcherTest, AllMustMatch) {
  TestRequest request("a.com", "/", {{"a", "1"}, {"b", "2"}});
  std::vector<HeaderMatcher> matchers;
  EXPECT_TRUE(MatchesAll(matchers, request.head));
  matchers.emplace_back(RequestField("a"), Exact("1"), HeaderMatcher::Options{});
  EXPECT_TRUE(MatchesAll(matchers, request.head));
  matchers.emplace_back(RequestField("b"), Exact("1"), HeaderMatcher::Options{});
  EXPECT_FALSE(MatchesAll(matchers, request.head));
}

// However many conditions look at a header that comes in several fields.
TEST(HeaderMatcherTest, JoiningTakesNoMemoryOfTheRequest) {
  TestRequest request("a.com", "/", {{"x", std::string(1000, 'a')}, {"x", "b"}});
  const HeaderMatcher matcher(RequestField("x"), Exact("c"), {});
  const size_t before = request.arena.held();
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(matcher.Matches(request.head));
  EXPECT_EQ(request.arena.held(), before);
}

TEST(RequestFieldTest, FirstGivesTheFirstOfSeveral) {
  TestRequest request("a.com", "/", {{"x", "1"}, {"x", "2"}, {"cookie", "c"}});
  std::string_view value;
  ASSERT_TRUE(RequestField("X").First(request.head, &value));
  EXPECT_EQ(value, "1");
  std::string scratch;
  ASSERT_TRUE(RequestField("x").Joined(request.head, scratch, &value));
  EXPECT_EQ(value, "1,2");
  ASSERT_TRUE(RequestField("Cookie").First(request.head, &value));
  EXPECT_EQ(value, "c");
  EXPECT_FALSE(RequestField("y").First(request.head, &value));
  EXPECT_FALSE(RequestField("accept").Joined(request.head, scratch, &value));
}

}  // namespace
}  // namespace nuncio::matcher
