#include "source/upstream/host_set_builder.h"

#include <algorithm>
#include <set>

#include "gtest/gtest.h"
#include "source/base/random.h"
#include "source/base/strings.h"

namespace nuncio::upstream {
namespace {

EndpointConfig Endpoint(int number, uint32_t weight = 1, HealthStatus health = HealthStatus::kUnknown) {
  EndpointConfig endpoint;
  endpoint.address =
      *net::Address::FromIp(StrCat("10.", number / 62500, ".", number / 250 % 250, ".", number % 250), 80);
  endpoint.weight = weight;
  endpoint.health = health;
  return endpoint;
}

ClusterAssignment Numbered(int begin, int end) {
  ClusterAssignment assignment;
  assignment.localities.push_back({{"r", "z", ""}, 0, 0, {}});
  for (int i = begin; i < end; ++i) assignment.localities[0].endpoints.push_back(Endpoint(i));
  return assignment;
}

std::vector<const Host*> HostsOf(const HostSet& set) {
  std::vector<const Host*> out;
  set.ForEach([&](const LocalityHosts&, const HostEntry& entry) { out.push_back(entry.host.get()); });
  return out;
}

std::vector<std::string> Texts(const std::vector<const Host*>& hosts) {
  std::vector<std::string> out;
  for (const Host* host : hosts) out.push_back(host->address_text());
  return out;
}

class HostSetBuilderTest : public testing::Test {
 protected:
  HostSetBuilder builder_{{}, 2, /*keep_duplicates=*/false};
};

TEST_F(HostSetBuilderTest, KeepsTheOrderAndWhatTheAssignmentSays) {
  ClusterAssignment assignment;
  assignment.overprovisioning_factor = 120;
  assignment.localities.push_back({{"r", "a", ""}, 3, 0, {Endpoint(2, 7), Endpoint(1, 1, HealthStatus::kDegraded)}});
  assignment.localities.push_back({{"r", "b", ""}, 4, 1, {Endpoint(3)}});
  const HostSetBuilder::Result result = builder_.Build(assignment);
  EXPECT_TRUE(result.changed);
  EXPECT_EQ(3u, result.added);
  EXPECT_TRUE(result.removed->empty());
  EXPECT_EQ(120u, result.hosts->overprovisioning_factor());
  EXPECT_EQ((std::vector<std::string>{"10.0.0.2:80", "10.0.0.1:80", "10.0.0.3:80"}), Texts(HostsOf(*result.hosts)));
  const auto& localities = result.hosts->localities();
  ASSERT_EQ(2u, localities.size());
  EXPECT_EQ("a", localities[0].locality.zone());
  EXPECT_EQ(3u, localities[0].weight);
  EXPECT_EQ(7u, localities[0].chunks[0]->entries[0].weight);
  EXPECT_EQ(HealthStatus::kDegraded, localities[0].chunks[0]->entries[1].health);
  EXPECT_EQ(1u, localities[1].priority);
}

TEST_F(HostSetBuilderTest, TheSameAgainIsTheSameSet) {
  const HostSetPtr first = builder_.Build(Numbered(0, 1000)).hosts;
  const HostSetBuilder::Result again = builder_.Build(Numbered(0, 1000));
  EXPECT_FALSE(again.changed);
  EXPECT_EQ(first, again.hosts);
}

TEST_F(HostSetBuilderTest, OneChangedHostMakesOneChunkAnew) {
  const HostSetPtr first = builder_.Build(Numbered(0, 2000)).hosts;
  ClusterAssignment changed = Numbered(0, 2000);
  changed.localities[0].endpoints[700].weight = 5;
  const HostSetBuilder::Result result = builder_.Build(changed);
  EXPECT_TRUE(result.changed);
  EXPECT_EQ(0u, result.added);
  EXPECT_TRUE(result.removed->empty());
  EXPECT_EQ(HostsOf(*first), HostsOf(*result.hosts));
  const auto& before = first->localities()[0].chunks;
  const auto& after = result.hosts->localities()[0].chunks;
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); ++i) EXPECT_EQ(i != 700 / HostChunk::kMaxEntries, before[i] == after[i]) << i;
  EXPECT_EQ(5u, after[700 / HostChunk::kMaxEntries]->entries[700 % HostChunk::kMaxEntries].weight);
}

TEST_F(HostSetBuilderTest, HealthAloneIsAChange) {
  builder_.Build(Numbered(0, 3));
  ClusterAssignment changed = Numbered(0, 3);
  changed.localities[0].endpoints[1].health = HealthStatus::kDraining;
  const HostSetBuilder::Result result = builder_.Build(changed);
  EXPECT_TRUE(result.changed);
  EXPECT_EQ(2u, result.hosts->membership().healthy);
  EXPECT_EQ(3u, result.hosts->membership().total);
}

TEST_F(HostSetBuilderTest, RemovedHostsAreToldAndTheOthersStay) {
  const HostSetPtr first = builder_.Build(Numbered(0, 1000)).hosts;
  ClusterAssignment fewer = Numbered(0, 1000);
  auto& endpoints = fewer.localities[0].endpoints;
  endpoints.erase(endpoints.begin() + 10, endpoints.begin() + 12);
  endpoints.erase(endpoints.begin() + 500);
  const HostSetBuilder::Result result = builder_.Build(fewer);
  EXPECT_EQ(0u, result.added);
  std::vector<const Host*> expected = HostsOf(*first);
  const std::vector<const Host*> gone = {expected[10], expected[11], expected[502]};
  std::erase_if(expected, [&](const Host* host) { return std::find(gone.begin(), gone.end(), host) != gone.end(); });
  EXPECT_EQ(expected, HostsOf(*result.hosts));
  std::vector<const Host*> removed;
  for (const HostPtr& host : *result.removed) removed.push_back(host.get());
  EXPECT_EQ(gone, removed);
}

TEST_F(HostSetBuilderTest, ReorderedHostsAreTheSameHosts) {
  std::vector<const Host*> before = HostsOf(*builder_.Build(Numbered(0, 600)).hosts);
  ClusterAssignment reversed = Numbered(0, 600);
  std::reverse(reversed.localities[0].endpoints.begin(), reversed.localities[0].endpoints.end());
  const HostSetBuilder::Result result = builder_.Build(reversed);
  EXPECT_TRUE(result.changed);
  EXPECT_EQ(0u, result.added);
  EXPECT_TRUE(result.removed->empty());
  std::reverse(before.begin(), before.end());
  EXPECT_EQ(before, HostsOf(*result.hosts));
}

TEST_F(HostSetBuilderTest, ALocalityThatGoesTakesItsHostsWithIt) {
  ClusterAssignment two = Numbered(0, 2);
  two.localities.push_back({{"r", "other", ""}, 0, 0, {Endpoint(9)}});
  builder_.Build(two);
  const HostSetBuilder::Result result = builder_.Build(Numbered(0, 2));
  ASSERT_EQ(1u, result.removed->size());
  EXPECT_EQ("10.0.0.9:80", result.removed->front()->address_text());
  EXPECT_EQ(2u, result.hosts->membership().total);
}

TEST_F(HostSetBuilderTest, WhereTheFirstPriorityIsNotThereAnyMoreTheNextOneServes) {
  ClusterAssignment assignment = Numbered(0, 2);
  assignment.localities.push_back({{"r", "b", ""}, 0, 1, {Endpoint(2), Endpoint(3)}});
  const HostSetPtr first = builder_.Build(assignment).hosts;
  assignment.localities.erase(assignment.localities.begin());
  const HostSetBuilder::Result result = builder_.Build(assignment);
  EXPECT_EQ(2u, result.removed->size());
  EXPECT_EQ(0u, result.added);
  ASSERT_EQ(1u, result.hosts->targets().size());
  EXPECT_EQ(1u, result.hosts->targets()[0].priority);
  EXPECT_EQ(2u, result.hosts->targets()[0].tables[0].hosts.size());
  EXPECT_FALSE(result.hosts->targets()[0].panic);
}

TEST_F(HostSetBuilderTest, AnotherIdentityIsAnotherHost) {
  const auto build_with = [&](auto&& change) {
    ClusterAssignment assignment = Numbered(0, 1);
    change(assignment.localities[0]);
    return builder_.Build(assignment);
  };
  build_with([](LocalityConfig&) {});
  const auto is_another = [](const HostSetBuilder::Result& result) {
    return result.added == 1 && result.removed->size() == 1;
  };
  EXPECT_TRUE(is_another(build_with([](LocalityConfig& l) { l.endpoints[0].hostname = std::string("name"); })));
  EXPECT_TRUE(is_another(
      build_with([](LocalityConfig& l) { l.locality = Locality(l.locality.region(), l.locality.zone(), "rack"); })));
  const auto with_metadata = [](LocalityConfig& l) {
    matcher::Metadata metadata;
    metadata.namespaces["envoy.lb"].value = std::string("canary");
    l.endpoints[0].metadata = std::make_shared<const matcher::Metadata>(metadata);
  };
  EXPECT_TRUE(is_another(build_with(with_metadata)));
  // Equal metadata read anew.
  EXPECT_FALSE(build_with(with_metadata).changed);
}

TEST_F(HostSetBuilderTest, ASecondMentionIsLeftOut) {
  ClusterAssignment twice = Numbered(0, 3);
  twice.localities[0].endpoints.push_back(Endpoint(1, 9));
  const HostSetBuilder::Result result = builder_.Build(twice);
  EXPECT_EQ(3u, result.hosts->membership().total);
  EXPECT_EQ(1u, result.hosts->membership().max_weight);
  EXPECT_FALSE(builder_.Build(twice).changed);
}

TEST(HostSetBuilderStaticTest, ASecondMentionIsASecondHost) {
  HostSetBuilder builder({}, 2, /*keep_duplicates=*/true);
  ClusterAssignment twice = Numbered(0, 1);
  twice.localities[0].endpoints.push_back(Endpoint(0));
  EXPECT_EQ(2u, builder.Build(twice).hosts->membership().total);
}

TEST_F(HostSetBuilderTest, RandomHistoriesEndAsTheAssignmentSays) {
  Random random(7);
  std::set<const Host*> before;
  for (int round = 0; round < 200; ++round) {
    ClusterAssignment assignment = Numbered(0, 0);
    assignment.localities.push_back({{"r", "b", ""}, 0, static_cast<uint32_t>(random.Below(2)), {}});
    std::vector<std::string> expected;
    for (LocalityConfig& locality : assignment.localities) {
      const int base = locality.locality.zone() == "b" ? 5000 : 0;
      for (int i = 0; i < 700; ++i) {
        if (random.Below(20) == 0) continue;
        locality.endpoints.push_back(Endpoint(base + i, 1 + static_cast<uint32_t>(random.Below(50) == 0)));
      }
      if (random.Below(4) == 0 && locality.endpoints.size() > 2) {
        std::swap(locality.endpoints[random.Below(locality.endpoints.size())], locality.endpoints[0]);
      }
      for (const EndpointConfig& endpoint : locality.endpoints) expected.push_back(endpoint.address.ToString());
    }
    const HostSetBuilder::Result result = builder_.Build(assignment);
    const std::vector<const Host*> hosts = HostsOf(*result.hosts);
    ASSERT_EQ(expected, Texts(hosts)) << "round " << round;
    const std::set<const Host*> after(hosts.begin(), hosts.end());
    size_t gone = 0;
    for (const Host* host : before) gone += !after.contains(host);
    ASSERT_EQ(gone, result.removed->size()) << "round " << round;
    before = after;
  }
}

TEST_F(HostSetBuilderTest, ManyHostsAtOneAddressAreDistinguishedFast) {
  ClusterAssignment assignment = Numbered(0, 0);
  for (int i = 0; i < 50000; ++i) {
    assignment.localities[0].endpoints.push_back(Endpoint(1));
    assignment.localities[0].endpoints.back().hostname = StrCat("name-", i);
  }
  EXPECT_EQ(50000u, builder_.Build(assignment).hosts->membership().total);
  std::reverse(assignment.localities[0].endpoints.begin(), assignment.localities[0].endpoints.end());
  EXPECT_EQ(0u, builder_.Build(assignment).added);
}

}  // namespace
}  // namespace nuncio::upstream
