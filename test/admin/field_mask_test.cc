#include "source/admin/field_mask.h"

#include "api/linked.h"
#include "envoy/admin/v3/config_dump_shared.pb.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "gtest/gtest.h"

namespace nuncio::admin {
namespace {

using envoy::admin::v3::ClustersConfigDump;

ClustersConfigDump Dump() {
  api::LinkAllMessages();
  envoy::config::cluster::v3::Cluster cluster;
  cluster.set_name("a");
  cluster.mutable_connect_timeout()->set_seconds(3);
  ClustersConfigDump dump;
  dump.set_version_info("7");
  for (int i = 0; i < 2; ++i) {
    auto& each = *dump.add_dynamic_active_clusters();
    each.set_version_info("7");
    each.mutable_cluster()->PackFrom(cluster);
  }
  return dump;
}

TEST(FieldMaskTest, KeepsOnlyWhatIsNamed) {
  ClustersConfigDump dump = Dump();
  FieldMask::Parse("version_info")->Trim(dump);
  EXPECT_EQ("7", dump.version_info());
  EXPECT_EQ(0, dump.dynamic_active_clusters_size());
}

TEST(FieldMaskTest, GoesThroughListsAndAny) {
  ClustersConfigDump dump = Dump();
  FieldMask::Parse("dynamic_active_clusters.cluster.name")->Trim(dump);
  EXPECT_EQ("", dump.version_info());
  ASSERT_EQ(2, dump.dynamic_active_clusters_size());
  for (const auto& each : dump.dynamic_active_clusters()) {
    EXPECT_EQ("", each.version_info());
    envoy::config::cluster::v3::Cluster cluster;
    ASSERT_TRUE(each.cluster().UnpackTo(&cluster));
    EXPECT_EQ("a", cluster.name());
    EXPECT_FALSE(cluster.has_connect_timeout());
  }
}

TEST(FieldMaskTest, AShorterPathCoversALongerOneInEitherOrder) {
  for (const char* text : {"dynamic_active_clusters,dynamic_active_clusters.cluster",
                           "dynamic_active_clusters.cluster,dynamic_active_clusters"}) {
    ClustersConfigDump dump = Dump();
    FieldMask::Parse(text)->Trim(dump);
    EXPECT_EQ("7", dump.dynamic_active_clusters(0).version_info()) << text;
  }
}

TEST(FieldMaskTest, ForKeepsThePathsThatATypeHas) {
  const FieldMask mask = *FieldMask::Parse("bootstrap.node,version_info");
  EXPECT_FALSE(mask.For(*ClustersConfigDump::descriptor()).Has("bootstrap"));
  EXPECT_TRUE(mask.For(*ClustersConfigDump::descriptor()).Has("version_info"));
  EXPECT_TRUE(mask.For(*google::protobuf::Any::descriptor()).empty());
}

TEST(FieldMaskTest, RefusesWhatIsNoPath) {
  for (const std::string& text : {std::string(), std::string("a..b"), std::string("a,,b"), std::string(".a"),
                                  std::string("a.")}) {
    EXPECT_FALSE(FieldMask::Parse(text).ok()) << text;
  }
  std::string deep = "a";
  for (int i = 0; i < 40; ++i) deep += ".a";
  EXPECT_FALSE(FieldMask::Parse(deep).ok());
}

}  // namespace
}  // namespace nuncio::admin
