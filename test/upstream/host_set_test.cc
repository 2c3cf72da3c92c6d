#include "source/upstream/host_set.h"

#include "gtest/gtest.h"
#include "test/upstream/test_hosts.h"

namespace nuncio::upstream {
namespace {

std::vector<uint32_t> HealthyLoads(const HostSet& hosts) {
  std::vector<uint32_t> out;
  for (const HostSet::PriorityLoad& load : hosts.priority_loads()) out.push_back(load.healthy);
  return out;
}
std::vector<uint32_t> DegradedLoads(const HostSet& hosts) {
  std::vector<uint32_t> out;
  for (const HostSet::PriorityLoad& load : hosts.priority_loads()) out.push_back(load.degraded);
  return out;
}
std::vector<bool> Panics(const HostSet& hosts) {
  std::vector<bool> out;
  for (const HostSet::PriorityLoad& load : hosts.priority_loads()) out.push_back(load.panic);
  return out;
}

using Loads = std::vector<uint32_t>;

TEST(HostSetTest, WithoutHostsThereIsNothingToChoose) {
  EXPECT_TRUE(HostSet::Empty()->targets().empty());
  EXPECT_TRUE(HostSet::Empty()->empty());
  EXPECT_TRUE(TestHosts().Add(0, {}).Build()->targets().empty());
}

TEST(HostSetTest, CountsMembers) {
  const auto hosts = TestHosts().AddCounts(0, 3, 2, 1).Add(1, {{"x", 9}}).Build();
  EXPECT_EQ(7u, hosts->membership().total);
  EXPECT_EQ(4u, hosts->membership().healthy);
  EXPECT_EQ(2u, hosts->membership().degraded);
  EXPECT_EQ(9u, hosts->membership().max_weight);
}

TEST(HostSetTest, OnlyUnknownAndHealthyCountAsHealthy) {
  const auto hosts = TestHosts()
                         .Add(0, {{"a", 1, HealthStatus::kUnknown},
                                  {"b", 1, HealthStatus::kHealthy},
                                  {"c", 1, HealthStatus::kUnhealthy},
                                  {"d", 1, HealthStatus::kDraining},
                                  {"e", 1, HealthStatus::kTimeout}})
                         .Build({.panic_threshold = 0});
  ASSERT_EQ(1u, hosts->targets().size());
  ASSERT_EQ(2u, hosts->targets()[0].tables[0].hosts.size());
  EXPECT_EQ("a", hosts->targets()[0].tables[0].hosts[0]->hostname());
  EXPECT_EQ("b", hosts->targets()[0].tables[0].hosts[1]->hostname());
}

// The tables of upstream's documentation on priority levels, with the factor of 1.4.
TEST(HostSetTest, FailsOverAsHealthOfAPriorityFalls) {
  const auto loads = [](int healthy) {
    return HealthyLoads(*TestHosts().AddCounts(0, healthy, 0, 100 - healthy).AddCounts(1, 100, 0, 0).Build());
  };
  EXPECT_EQ((Loads{100, 0}), loads(100));
  EXPECT_EQ((Loads{100, 0}), loads(72));
  EXPECT_EQ((Loads{99, 1}), loads(71));
  EXPECT_EQ((Loads{70, 30}), loads(50));
  EXPECT_EQ((Loads{35, 65}), loads(25));
  EXPECT_EQ((Loads{0, 100}), loads(0));
}

TEST(HostSetTest, LoadIsNormalisedWhereNoPrioritySuffices) {
  const auto hosts = TestHosts().AddCounts(0, 20, 0, 80).AddCounts(1, 20, 0, 80).Build({.panic_threshold = 0});
  EXPECT_EQ((Loads{50, 50}), HealthyLoads(*hosts));
  EXPECT_EQ((std::vector<bool>{false, false}), Panics(*hosts));
}

TEST(HostSetTest, TheFactorOfTheAssignmentCounts) {
  const auto hosts =
      TestHosts().AddCounts(0, 50, 0, 50).AddCounts(1, 10, 0, 0).Build({}, /*overprovisioning_factor=*/100);
  EXPECT_EQ((Loads{50, 50}), HealthyLoads(*hosts));
}

TEST(HostSetTest, DegradedHostsServeWhereHealthyOnesDoNotSuffice) {
  const auto hosts = TestHosts().AddCounts(0, 20, 80, 0).Build();
  // 20 % of hosts healthy, times 1.4.
  EXPECT_EQ((Loads{28}), HealthyLoads(*hosts));
  EXPECT_EQ((Loads{72}), DegradedLoads(*hosts));
  ASSERT_EQ(2u, hosts->targets().size());
  EXPECT_FALSE(hosts->targets()[0].degraded);
  EXPECT_TRUE(hosts->targets()[1].degraded);
}

TEST(HostSetTest, HealthyHostsOfLaterPrioritiesComeBeforeDegradedOnes) {
  const auto hosts = TestHosts().AddCounts(0, 0, 10, 0).AddCounts(1, 10, 0, 0).Build();
  EXPECT_EQ((Loads{0, 100}), HealthyLoads(*hosts));
  EXPECT_EQ((Loads{0, 0}), DegradedLoads(*hosts));
}

TEST(HostSetTest, PanicUsesAllHostsOfThePriority) {
  const auto hosts = TestHosts().AddCounts(0, 3, 0, 7).Build();
  ASSERT_EQ(1u, hosts->targets().size());
  EXPECT_TRUE(hosts->targets()[0].panic);
  EXPECT_EQ(10u, hosts->targets()[0].tables[0].hosts.size());
}

TEST(HostSetTest, NoPriorityPanicsWhileAllTogetherSuffice) {
  const auto hosts = TestHosts().AddCounts(0, 1, 0, 9).AddCounts(1, 10, 0, 0).Build();
  EXPECT_EQ((std::vector<bool>{false, false}), Panics(*hosts));
  EXPECT_EQ((Loads{14, 86}), HealthyLoads(*hosts));
}

TEST(HostSetTest, InTotalPanicLoadFollowsTheNumberOfHosts) {
  const auto hosts = TestHosts().AddCounts(0, 0, 0, 25).AddCounts(1, 0, 0, 75).Build();
  EXPECT_EQ((Loads{25, 75}), HealthyLoads(*hosts));
  EXPECT_EQ((std::vector<bool>{true, true}), Panics(*hosts));
}

TEST(HostSetTest, WithoutPanicNoHostIsBetterThanAnUnhealthyOne) {
  EXPECT_TRUE(TestHosts().AddCounts(0, 0, 0, 5).Build({.panic_threshold = 0})->targets().empty());
}

TEST(HostSetTest, APriorityThatIsMissingIsOneWithoutHosts) {
  const auto hosts = TestHosts().AddCounts(1, 3, 0, 1).AddCounts(4, 2, 0, 0).Build();
  EXPECT_EQ((Loads{0, 100, 0, 0, 0}), HealthyLoads(*hosts));
  EXPECT_EQ(std::vector<bool>(5, false), Panics(*hosts));
  EXPECT_EQ(1u, hosts->TargetFor(99).priority);
  // The one that is there fails over to the next that is, past the gap.
  const auto failing = TestHosts().AddCounts(1, 1, 0, 3).AddCounts(4, 2, 0, 0).Build();
  EXPECT_EQ((Loads{0, 35, 0, 0, 65}), HealthyLoads(*failing));
  const auto gone = TestHosts().AddCounts(1, 0, 0, 4).AddCounts(4, 2, 0, 0).Build();
  EXPECT_EQ((Loads{0, 0, 0, 0, 100}), HealthyLoads(*gone));
}

TEST(HostSetTest, AMissingPriorityKeepsNoneFromPanic) {
  const auto panic = TestHosts().AddCounts(1, 1, 0, 4).AddCounts(3, 0, 0, 5).Build();
  EXPECT_EQ((Loads{0, 50, 0, 50}), HealthyLoads(*panic));
  ASSERT_EQ(2u, panic->targets().size());
  EXPECT_EQ(5u, panic->targets()[0].tables[0].hosts.size());
  const auto down = TestHosts().AddCounts(2, 0, 0, 3).Build();
  EXPECT_EQ((Loads{0, 0, 100}), HealthyLoads(*down));
  ASSERT_EQ(1u, down->targets().size());
  EXPECT_TRUE(down->targets()[0].panic);
  EXPECT_EQ(2u, down->targets()[0].priority);
  EXPECT_TRUE(TestHosts().AddCounts(2, 0, 0, 3).Build({.panic_threshold = 0})->targets().empty());
}

TEST(HostSetTest, ThePercentOfTheTrafficFollowTheLoads) {
  const auto hosts = TestHosts().AddCounts(0, 50, 0, 50).AddCounts(1, 10, 0, 0).Build();
  int first = 0;
  for (uint64_t i = 0; i < 100; ++i) first += hosts->TargetFor(i).priority == 0;
  EXPECT_EQ(70, first);
}

TEST(HostSetTest, LocalitiesGetTurnsByWeightWhereTheyCount) {
  const LoadBalancerConfig config{.locality_weighted = true};
  const auto hosts = TestHosts().Add(0, {{"a"}, {"a"}}, 1).Add(0, {{"b"}}, 3).Add(0, {{"c"}}, 0).Build(config);
  ASSERT_EQ(1u, hosts->targets().size());
  const HostSet::Target& target = hosts->targets()[0];
  // The locality without weight gets no traffic.
  ASSERT_EQ(2u, target.tables.size());
  EXPECT_EQ(2u, hosts->table_count());
  int turns[2] = {};
  for (size_t i = 0; i < target.localities->size(); ++i) ++turns[target.localities->At(i)];
  EXPECT_EQ(3 * turns[0], turns[1]);
}

TEST(HostSetTest, ALocalityLosesItsShareAsItsHostsFail) {
  const LoadBalancerConfig config{.locality_weighted = true};
  // Half of the hosts, times 1.4: 0.7 of the weight.
  const auto hosts = TestHosts()
                         .Add(0, {{"a"}, {"a", 1, HealthStatus::kUnhealthy}}, 1)
                         .Add(0, {{"b"}, {"b"}}, 1)
                         .Build(config);
  const HostSet::Target& target = hosts->targets()[0];
  double turns[2] = {};
  for (size_t i = 0; i < target.localities->size(); ++i) ++turns[target.localities->At(i)];
  EXPECT_NEAR(0.7, turns[0] / turns[1], 0.001);
}

TEST(HostSetTest, LocalityWeightsWithoutAnyAreLeftOutOfAccount) {
  const LoadBalancerConfig config{.locality_weighted = true};
  const auto hosts = TestHosts().Add(0, {{"a"}}).Add(0, {{"b"}}).Build(config);
  ASSERT_EQ(1u, hosts->targets().size());
  EXPECT_EQ(1u, hosts->targets()[0].tables.size());
  EXPECT_EQ(2u, hosts->targets()[0].tables[0].hosts.size());
}

TEST(HostSetTest, TablesHoldWhatThePolicyNeeds) {
  const std::vector<TestHost> unequal = {{"a", 1}, {"b", 2}};
  using Policy = LoadBalancerConfig::Policy;
  const auto table = [&](Policy policy, const std::vector<TestHost>& hosts) {
    return TestHosts().Add(0, hosts).Build({.policy = policy})->targets()[0].tables[0];
  };
  EXPECT_EQ(3u, table(Policy::kRoundRobin, unequal).by_weight->schedule.size());
  EXPECT_FALSE(table(Policy::kRandom, unequal).by_weight->alias.empty());
  EXPECT_EQ((std::vector<uint32_t>{1, 2}), table(Policy::kLeastRequest, unequal).by_weight->weights);
  const PickTable equal = table(Policy::kRoundRobin, {{"a", 5}, {"b", 5}});
  EXPECT_TRUE(equal.by_weight.is_default());
}

}  // namespace
}  // namespace nuncio::upstream
