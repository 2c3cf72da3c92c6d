#include "source/http/query.h"

#include <string>

#include "gtest/gtest.h"
#include "source/base/strings.h"

namespace nuncio::http {
namespace {

std::string List(std::string_view path) {
  std::string out;
  for (const QueryParameter& parameter : QueryParameters(path)) {
    StrAppend(out, "[", parameter.name, "|", parameter.value, "]");
  }
  return out;
}

TEST(QueryTest, Iteration) {
  EXPECT_EQ(List("/"), "");
  EXPECT_EQ(List("/?"), "");
  EXPECT_EQ(List("/?a=1"), "[a|1]");
  EXPECT_EQ(List("/?a=1&b=2&a=3"), "[a|1][b|2][a|3]");
  EXPECT_EQ(List("/?a"), "[a|]");
  EXPECT_EQ(List("/?a=&=b&="), "[a|][|b][|]");
  EXPECT_EQ(List("/?&&a=1&&"), "[a|1]");
  EXPECT_EQ(List("/?a=b=c?d"), "[a|b=c?d]");
  EXPECT_EQ(List("/?a=%20+"), "[a|%20+]");
}

TEST(QueryTest, Find) {
  const QueryParameters parameters("/p?a=1&b&a=2");
  EXPECT_EQ(parameters.Find("a"), "1");
  EXPECT_EQ(parameters.Find("b"), "");
  EXPECT_EQ(parameters.Find("A"), std::nullopt);
}

TEST(QueryTest, PercentDecode) {
  EXPECT_EQ(PercentDecode("a%41%62c"), "aAbc");
  EXPECT_EQ(PercentDecode("100%"), "100%");
  EXPECT_EQ(PercentDecode("%4"), "%4");
  EXPECT_EQ(PercentDecode("%zz+%2b"), "%zz++");
  EXPECT_EQ(PercentDecode("%2541"), "%41");
}

}  // namespace
}  // namespace nuncio::http
