#include "source/control/snapshot/group_rule.h"

#include <gtest/gtest.h>

namespace nuncio::control {
namespace {

envoy::config::core::v3::Node Node() {
  envoy::config::core::v3::Node node;
  node.set_id("n1");
  node.set_cluster("web");
  node.mutable_locality()->set_zone("z1");
  auto& fields = *node.mutable_metadata()->mutable_fields();
  fields["team"].set_string_value("blue");
  (*fields["app"].mutable_struct_value()->mutable_fields())["name"].set_string_value("shop");
  fields["dotted.key"].set_string_value("d");
  return node;
}

std::string GroupBy(const std::string& rule) {
  const absl::StatusOr<GroupRule> parsed = GroupRule::Parse(rule);
  if (!parsed.ok()) return "error: " + std::string(parsed.status().message());
  const absl::StatusOr<std::string> group = parsed->GroupOf(Node());
  return group.ok() ? *group : "error: " + std::string(group.status().message());
}

TEST(GroupRuleTest, FieldsOfTheNode) {
  EXPECT_EQ(GroupBy("cluster"), "web");
  EXPECT_EQ(GroupBy("id"), "n1");
  EXPECT_EQ(GroupBy("metadata:team"), "blue");
  EXPECT_EQ(GroupBy("metadata:app.name"), "shop");
  EXPECT_EQ(GroupBy("metadata:dotted.key"), "d");
  EXPECT_EQ(GroupBy("{cluster}/{locality.zone}-{metadata.team}"), "web/z1-blue");
}

TEST(GroupRuleTest, AMissingFieldIsNamed) {
  EXPECT_EQ(GroupBy("{locality.region}"),
            "error: node.locality.region is not set; this control plane groups its clients by {locality.region}");
  EXPECT_EQ(GroupBy("metadata:other"),
            "error: node.metadata.other is not set; this control plane groups its clients by metadata:other");
}

TEST(GroupRuleTest, MistakesAreNamed) {
  EXPECT_NE(GroupBy("fixed").find("fields in braces"), std::string::npos);
  EXPECT_NE(GroupBy("{cluster").find("a brace is not closed"), std::string::npos);
  EXPECT_NE(GroupBy("{name}").find("there is no field \"name\""), std::string::npos);
  EXPECT_NE(GroupBy("{metadata.}").find("there is no field"), std::string::npos);
}

TEST(GroupRuleTest, NamesThatAreNone) {
  EXPECT_FALSE(CheckGroupName("").ok());
  EXPECT_FALSE(CheckGroupName("a\nb").ok());
  EXPECT_FALSE(CheckGroupName(std::string(256, 'x')).ok());
  EXPECT_TRUE(CheckGroupName(std::string(255, 'x')).ok());
}

}  // namespace
}  // namespace nuncio::control
