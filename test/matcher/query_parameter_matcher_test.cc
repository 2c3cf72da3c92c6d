#include "source/matcher/query_parameter_matcher.h"

#include "gtest/gtest.h"

namespace nuncio::matcher {
namespace {

TEST(QueryOfTest, CutsPathAndFragment) {
  EXPECT_EQ(QueryOf("/a?b=c&d"), "b=c&d");
  EXPECT_EQ(QueryOf("/a"), "");
  EXPECT_EQ(QueryOf("/a?"), "");
  EXPECT_EQ(QueryOf("/a?b?c"), "b?c");
  EXPECT_EQ(QueryOf("/a?b#c?d"), "b");
  EXPECT_EQ(QueryOf("/a#b?c"), "");
}

TEST(FindQueryParameterTest, FindsTheFirstOfThatName) {
  const struct {
    std::string_view query;
    std::string_view name;
    bool found;
    std::string_view value;
  } cases[] = {
      {"a=1&b=2", "a", true, "1"},  {"a=1&b=2", "b", true, "2"},      {"a=1&a=2", "a", true, "1"},
      {"ab=1&a=2", "a", true, "2"}, {"a", "a", true, ""},             {"a=", "a", true, ""},
      {"b&a&c", "a", true, ""},     {"A=1", "a", false, ""},          {"", "a", false, ""},
      {"&&a=1", "a", true, "1"},    {"a=b=c", "a", true, "b=c"},      {"%61=1", "a", false, ""},
      {"x=a=1", "a", false, ""},    {"a=%20+1", "a", true, "%20+1"},
  };
  for (const auto& c : cases) {
    std::string_view value;
    EXPECT_EQ(FindQueryParameter(c.query, c.name, &value), c.found) << c.query;
    if (c.found) {
      EXPECT_EQ(value, c.value) << c.query;
    }
  }
}

TEST(QueryParameterMatcherTest, PresenceAndText) {
  const QueryParameterMatcher present("a", Presence{true});
  EXPECT_TRUE(present.Matches("a=1"));
  EXPECT_FALSE(present.Matches("b=1"));
  const QueryParameterMatcher absent("a", Presence{false});
  EXPECT_FALSE(absent.Matches("a"));
  EXPECT_TRUE(absent.Matches(""));
  const QueryParameterMatcher text("a", StringMatcher(StringMatcher::Kind::kPrefix, "x", false));
  EXPECT_TRUE(text.Matches("a=xy"));
  EXPECT_FALSE(text.Matches("a=yx"));
  EXPECT_FALSE(text.Matches("b=x"));
}

}  // namespace
}  // namespace nuncio::matcher
