#include "source/upstream/load_balancer.h"

#include <atomic>
#include <cstdlib>
#include <map>
#include <new>

#include "gtest/gtest.h"
#include "test/upstream/test_hosts.h"

namespace {
std::atomic<uint64_t> allocations{0};
}  // namespace

void* operator new(size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t) noexcept { free(memory); }

namespace nuncio::upstream {
namespace {

using Policy = LoadBalancerConfig::Policy;
constexpr telemetry::StatsSlot kSlot = 1;

class LoadBalancerTest : public testing::Test {
 protected:
  // Picks by hostname, without requests that last.
  std::map<std::string, int> Pick(LoadBalancer& balancer, int picks) {
    std::map<std::string, int> counts;
    for (int i = 0; i < picks; ++i) {
      const Host* host = balancer.Pick();
      ++counts[host == nullptr ? "none" : host->hostname()];
    }
    return counts;
  }
  LoadBalancer Make(const LoadBalancerConfig& config) { return LoadBalancer(config, random_, kSlot, stats_); }

  Random random_{42};
  telemetry::ClusterBalancerStats stats_;
};

TEST_F(LoadBalancerTest, WithoutHostsThereIsNone) {
  LoadBalancer balancer = Make({});
  EXPECT_EQ(nullptr, balancer.Pick());
  balancer.SetHosts(*HostSet::Empty());
  EXPECT_EQ(nullptr, balancer.Pick());
}

TEST_F(LoadBalancerTest, RoundRobinTakesTurns) {
  const auto hosts = TestHosts().Add(0, {{"a"}, {"b"}, {"c"}}).Build();
  LoadBalancer balancer = Make({});
  balancer.SetHosts(*hosts);
  std::vector<const Host*> order;
  for (int i = 0; i < 9; ++i) order.push_back(balancer.Pick());
  for (int i = 0; i < 6; ++i) EXPECT_EQ(order[i], order[i + 3]);
  EXPECT_NE(order[0], order[1]);
  EXPECT_NE(order[1], order[2]);
  EXPECT_NE(order[2], order[0]);
}

TEST_F(LoadBalancerTest, RoundRobinByWeightIsExactOverAPeriod) {
  const auto hosts = TestHosts().Add(0, {{"a", 10}, {"b", 30}, {"c", 60}}).Build();
  LoadBalancer balancer = Make({});
  balancer.SetHosts(*hosts);
  EXPECT_EQ((std::map<std::string, int>{{"a", 100}, {"b", 300}, {"c", 600}}), Pick(balancer, 1000));
}

TEST_F(LoadBalancerTest, WorkersBeginAtDifferentHosts) {
  const auto hosts = TestHosts().Add(0, {{"a"}, {"b"}, {"c"}, {"d"}}).Build();
  std::map<const Host*, int> first;
  for (int i = 0; i < 64; ++i) {
    LoadBalancer balancer = Make({});
    balancer.SetHosts(*hosts);
    ++first[balancer.Pick()];
  }
  EXPECT_EQ(4u, first.size());
}

TEST_F(LoadBalancerTest, RandomFollowsTheWeights) {
  const LoadBalancerConfig config{.policy = Policy::kRandom};
  LoadBalancer balancer = Make(config);
  const auto equal = TestHosts().Add(0, {{"a"}, {"b"}}).Build(config);
  balancer.SetHosts(*equal);
  EXPECT_NEAR(5000, Pick(balancer, 10000)["a"], 250);
  const auto unequal = TestHosts().Add(0, {{"a", 1}, {"b", 4}}).Build(config);
  balancer.SetHosts(*unequal);
  EXPECT_NEAR(2000, Pick(balancer, 10000)["a"], 250);
}

TEST_F(LoadBalancerTest, LeastRequestOfTwoHostsTakesTheIdleOne) {
  const LoadBalancerConfig config{.policy = Policy::kLeastRequest};
  const auto hosts = TestHosts().Add(0, {{"busy"}, {"idle"}}).Build(config);
  LoadBalancer balancer = Make(config);
  balancer.SetHosts(*hosts);
  hosts->targets()[0].tables[0].hosts[0]->stats(kSlot).rq_active.Inc();
  EXPECT_EQ((std::map<std::string, int>{{"idle", 100}}), Pick(balancer, 100));
}

TEST_F(LoadBalancerTest, LeastRequestCountsTheRequestsOfItsOwnThreadOnly) {
  const LoadBalancerConfig config{.policy = Policy::kLeastRequest};
  const auto hosts = TestHosts().Add(0, {{"a"}, {"b"}}).Build(config);
  LoadBalancer balancer = Make(config);
  balancer.SetHosts(*hosts);
  hosts->targets()[0].tables[0].hosts[0]->stats(/*slot=*/0).rq_active.Add(100);
  EXPECT_NEAR(500, Pick(balancer, 1000)["a"], 80);
}

TEST_F(LoadBalancerTest, LeastRequestComparesSomeAtRandom) {
  const LoadBalancerConfig config{.policy = Policy::kLeastRequest, .choice_count = 2};
  std::vector<TestHost> list(10, {"idle"});
  list[0].name = "busy";
  const auto hosts = TestHosts().Add(0, list).Build(config);
  hosts->targets()[0].tables[0].hosts[0]->stats(kSlot).rq_active.Add(5);
  LoadBalancer balancer = Make(config);
  balancer.SetHosts(*hosts);
  // Only where both choices fall on it: 1 %.
  EXPECT_NEAR(100, Pick(balancer, 10000)["busy"], 50);
}

TEST_F(LoadBalancerTest, FullScanFindsTheOneIdleHost) {
  const LoadBalancerConfig config{.policy = Policy::kLeastRequest, .full_scan = true};
  std::vector<TestHost> list(50, {"busy"});
  list[17].name = "idle";
  const auto hosts = TestHosts().Add(0, list).Build(config);
  for (const Host* host : hosts->targets()[0].tables[0].hosts) {
    if (host->hostname() == "busy") host->stats(kSlot).rq_active.Add(1);
  }
  LoadBalancer balancer = Make(config);
  balancer.SetHosts(*hosts);
  EXPECT_EQ((std::map<std::string, int>{{"idle", 100}}), Pick(balancer, 100));
}

TEST_F(LoadBalancerTest, FullScanBreaksTiesAtRandom) {
  const LoadBalancerConfig config{.policy = Policy::kLeastRequest, .full_scan = true};
  const auto hosts = TestHosts().Add(0, {{"a"}, {"b"}, {"c"}, {"d"}}).Build(config);
  LoadBalancer balancer = Make(config);
  balancer.SetHosts(*hosts);
  for (const auto& [name, count] : Pick(balancer, 4000)) EXPECT_NEAR(1000, count, 150) << name;
}

TEST_F(LoadBalancerTest, LeastRequestByWeightGivesSharesByWeightWhenIdle) {
  const LoadBalancerConfig config{.policy = Policy::kLeastRequest};
  const auto hosts = TestHosts().Add(0, {{"a", 1}, {"b", 3}}).Build(config);
  LoadBalancer balancer = Make(config);
  balancer.SetHosts(*hosts);
  EXPECT_NEAR(250, Pick(balancer, 1000)["a"], 5);
}

TEST_F(LoadBalancerTest, LeastRequestByWeightDividesTheWeightByTheRequestsUnderWay) {
  // Weight 3 with 5 requests under way counts as 3 / 6; weight 1 with none as 1.
  const auto share = [&](double bias) {
    const LoadBalancerConfig config{.policy = Policy::kLeastRequest, .active_request_bias = bias};
    const auto hosts = TestHosts().Add(0, {{"a", 1}, {"b", 3}}).Build(config);
    hosts->targets()[0].tables[0].hosts[1]->stats(kSlot).rq_active.Add(5);
    LoadBalancer balancer = Make(config);
    balancer.SetHosts(*hosts);
    return Pick(balancer, 3000)["a"] / 3000.0;
  };
  EXPECT_NEAR(1.0 / 4, share(0.0), 0.01);
  EXPECT_NEAR(2.0 / 3, share(1.0), 0.01);
  EXPECT_NEAR(12.0 / 13, share(2.0), 0.01);
}

TEST_F(LoadBalancerTest, AHostThatWasOverloadedComesBackWhenItsRequestsEnd) {
  const LoadBalancerConfig config{.policy = Policy::kLeastRequest, .active_request_bias = 1000};
  const auto hosts = TestHosts().Add(0, {{"a", 1}, {"b", 2}}).Build(config);
  LoadBalancer balancer = Make(config);
  balancer.SetHosts(*hosts);
  telemetry::Gauge& active = hosts->targets()[0].tables[0].hosts[1]->stats(kSlot).rq_active;
  active.Add(1000);
  Pick(balancer, 10);
  active.Sub(1000);
  EXPECT_GT(Pick(balancer, 4000000)["b"], 0);
}

TEST_F(LoadBalancerTest, PrioritiesShareAsTheirHealthSays) {
  const auto hosts = TestHosts().AddCounts(0, 50, 0, 50).AddCounts(1, 10, 0, 0).Build();
  LoadBalancer balancer = Make({});
  balancer.SetHosts(*hosts);
  auto counts = Pick(balancer, 10000);
  EXPECT_NEAR(7000, counts["h0"], 250);
  EXPECT_NEAR(3000, counts["h1"], 250);
  EXPECT_EQ(0, counts["u0"]);
  EXPECT_EQ(0u, stats_.lb_healthy_panic.value());
}

TEST_F(LoadBalancerTest, PicksInPanicAreCounted) {
  const auto hosts = TestHosts().AddCounts(0, 1, 0, 3).Build();
  LoadBalancer balancer = Make({});
  balancer.SetHosts(*hosts);
  auto counts = Pick(balancer, 8);
  EXPECT_EQ(6, counts["u0"]);
  EXPECT_EQ(8u, stats_.lb_healthy_panic.value());
}

TEST_F(LoadBalancerTest, LocalitiesTakeTurnsByWeightThenTheirHosts) {
  const LoadBalancerConfig config{.locality_weighted = true};
  const auto hosts = TestHosts().Add(0, {{"a1"}, {"a2"}}, 1).Add(0, {{"b"}}, 3).Build(config);
  LoadBalancer balancer = Make(config);
  balancer.SetHosts(*hosts);
  EXPECT_EQ((std::map<std::string, int>{{"a1", 50}, {"a2", 50}, {"b", 300}}), Pick(balancer, 400));
}

TEST_F(LoadBalancerTest, PicksAllocateNothing) {
  for (const Policy policy : {Policy::kRoundRobin, Policy::kRandom, Policy::kLeastRequest}) {
    for (const uint32_t weight : {1u, 3u}) {
      const LoadBalancerConfig config{.policy = policy, .locality_weighted = true};
      const auto hosts = TestHosts().Add(0, {{"a"}, {"b", weight}}, 1).Add(0, {{"c"}, {"d", weight}}, 2).Build(config);
      LoadBalancer balancer = Make(config);
      balancer.SetHosts(*hosts);
      // The first picks by weighted least request lay out the turns.
      for (int i = 0; i < 10; ++i) balancer.Pick();
      const uint64_t before = allocations.load();
      for (int i = 0; i < 1000; ++i) balancer.Pick();
      EXPECT_EQ(before, allocations.load()) << "policy " << static_cast<int>(policy) << ", weight " << weight;
    }
  }
}

TEST_F(LoadBalancerTest, CursorsGoOnWhenHostsChange) {
  const auto before = TestHosts().Add(0, {{"a"}, {"b"}, {"c"}, {"d"}}).Build();
  const auto after = TestHosts().Add(0, {{"a"}, {"b"}, {"c"}, {"d"}}).Build();
  LoadBalancer balancer = Make({});
  balancer.SetHosts(*before);
  std::map<std::string, int> counts;
  for (int i = 0; i < 4; ++i) {
    ++counts[balancer.Pick()->hostname()];
    balancer.SetHosts(i % 2 == 0 ? *after : *before);
  }
  // A set that changes with every request must not send them all to one host.
  EXPECT_EQ(4u, counts.size());
}

}  // namespace
}  // namespace nuncio::upstream
