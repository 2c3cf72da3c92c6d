#include "source/matcher/metadata.h"

#include <cmath>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace nuncio::matcher {
namespace {

std::string Json(MetadataValue value) {
  std::string out;
  value.AppendJson(out);
  return out;
}

TEST(MetadataValueTest, WritesJson) {
  EXPECT_EQ(Json({}), "null");
  EXPECT_EQ(Json({true}), "true");
  EXPECT_EQ(Json({3.0}), "3");
  EXPECT_EQ(Json({-2.5}), "-2.5");
  EXPECT_EQ(Json({std::nan("")}), "\"NaN\"");
  EXPECT_EQ(Json({-HUGE_VAL}), "\"-Infinity\"");
  EXPECT_EQ(Json({std::string("a\"b\\c\n\x01")}), "\"a\\\"b\\\\c\\n\\u0001\"");
  EXPECT_EQ(Json({MetadataValue::List{{1.0}, {std::string("x")}}}), "[1,\"x\"]");
  EXPECT_EQ(Json({MetadataValue::Fields{{"b", {2.0}}, {"a", {MetadataValue::List{}}}}}), "{\"a\":[],\"b\":2}");
}

TEST(MetadataTest, FindsByPath) {
  Metadata metadata;
  metadata.namespaces["ns"] = {MetadataValue::Fields{{"a", {MetadataValue::Fields{{"b", {7.0}}}}}}};
  const auto find = [&](std::string_view name_space, std::vector<std::string> path) {
    return metadata.Find(name_space, path);
  };
  ASSERT_NE(find("ns", {"a", "b"}), nullptr);
  EXPECT_EQ(std::get<double>(find("ns", {"a", "b"})->value), 7.0);
  EXPECT_NE(find("ns", {}), nullptr);
  EXPECT_EQ(find("other", {}), nullptr);
  EXPECT_EQ(find("ns", {"x"}), nullptr);
  EXPECT_EQ(find("ns", {"a", "b", "c"}), nullptr);
}

}  // namespace
}  // namespace nuncio::matcher
