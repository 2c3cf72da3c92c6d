#include "source/xds/cluster_watcher.h"

#include "gtest/gtest.h"
#include "source/base/strings.h"
#include "test/upstream/config_text.h"

namespace nuncio::xds {
namespace {

class ClusterWatcherTest : public testing::Test {
 protected:
  static std::string Yaml(std::string_view name) {
    return StrCat("{name: ", name,
                  ", load_assignment: {cluster_name: c, endpoints: {lb_endpoints: {endpoint: {address: "
                  "{socket_address: {address: 127.0.0.1, port_value: 80}}}}}}}");
  }
  static config::ResourceUpdate Update(const std::vector<std::string>& added, std::vector<std::string> removed = {}) {
    config::ResourceUpdate update{"1", {}, std::move(removed)};
    for (const std::string& name : added) {
      update.added_or_changed.push_back(upstream::ClusterResourceFromText(Yaml(name), "1"));
    }
    return update;
  }

  event::EventLoop loop_;
  Random random_{1};
  telemetry::StatsStore stats_;
  upstream::ClusterRegistry clusters_{{loop_, random_, stats_, nullptr, {}, nullptr, 1}};
  ClusterWatcher watcher_{clusters_, stats_};
};

TEST_F(ClusterWatcherTest, ClustersComeAndGo) {
  config::UpdateResult result;
  watcher_.OnUpdate(Update({"a", "b"}), result);
  EXPECT_NE(nullptr, clusters_.FindActive("a"));
  watcher_.OnUpdate(Update({"c"}, {"a"}), result);
  EXPECT_EQ(nullptr, clusters_.FindActive("a"));
  EXPECT_NE(nullptr, clusters_.FindActive("b"));
  EXPECT_NE(nullptr, clusters_.FindActive("c"));
  EXPECT_TRUE(result.refusals().empty());
}

TEST_F(ClusterWatcherTest, ClustersOfTheBootstrapStayAsTheyAre) {
  ASSERT_TRUE(
      clusters_.AddStatic(upstream::ClusterFromText(Yaml("a")), std::make_shared<const std::string>("a")).empty());
  config::UpdateResult result;
  watcher_.OnUpdate(Update({"a", "b"}), result);
  EXPECT_TRUE(result.refusals().empty());
  EXPECT_TRUE(clusters_.IsStatic("a"));
  EXPECT_EQ("a", *clusters_.FindActive("a")->resource().bytes);
  EXPECT_NE(nullptr, clusters_.FindActive("b"));
  watcher_.OnUpdate(Update({}, {"a", "b"}), result);
  EXPECT_TRUE(result.refusals().empty());
  EXPECT_NE(nullptr, clusters_.FindActive("a"));
  EXPECT_EQ(nullptr, clusters_.FindActive("b"));
}

TEST_F(ClusterWatcherTest, TheStartGoesOnWithTheFirstAnswerOrWithoutIt) {
  int went_on = 0;
  watcher_.WhenFirstAnswer([&] { ++went_on; });
  EXPECT_EQ(0, went_on);
  watcher_.OnFirstFetchFailed(config::FetchFailure::kTimedOut, "told by test");
  EXPECT_EQ(1, went_on);
  config::UpdateResult result;
  watcher_.OnUpdate(Update({}), result);
  EXPECT_EQ(1, went_on);
  watcher_.WhenFirstAnswer([&] { ++went_on; });
  EXPECT_EQ(2, went_on);
}

TEST_F(ClusterWatcherTest, EventsAreCounted) {
  const auto scope = stats_.GetScope(telemetry::ScopeName().Add("cluster_manager.cds"));
  const config::SubscriptionEvent events[] = {{config::SubscriptionEvent::Kind::kTaken, "v1"},
                                              {config::SubscriptionEvent::Kind::kRefused}};
  watcher_.OnSubscriptionEvents(events);
  EXPECT_EQ(1u, scope->Total(&telemetry::SubscriptionStats::update_success));
  EXPECT_EQ(1u, scope->Total(&telemetry::SubscriptionStats::update_rejected));
}

}  // namespace
}  // namespace nuncio::xds
