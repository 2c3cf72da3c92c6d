#include "source/upstream/discovery.h"

#include <algorithm>

#include "gtest/gtest.h"
#include "source/base/strings.h"
#include "source/telemetry/stats_store.h"
#include "source/upstream/eds_discovery.h"
#include "source/upstream/logical_dns_discovery.h"
#include "source/upstream/static_discovery.h"
#include "source/upstream/strict_dns_discovery.h"
#include "test/upstream/config_text.h"
#include "test/upstream/fakes.h"

namespace nuncio::upstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Texts = std::vector<std::string>;

class DiscoveryTest : public testing::Test, public DiscoveryReceiver {
 protected:
  void OnMembers(const HostSetBuilder::Result& result) override {
    ++updates_;
    changes_ += result.changed;
    hosts_ = result.hosts;
  }
  void OnFirstAnswer() override { ++first_answers_; }

  void Advance(Duration by) {
    clock_.Advance(by);
    loop_.RunOnce();
  }
  Texts Members() const {
    Texts out;
    hosts_->ForEach(
        [&](const LocalityHosts&, const HostEntry& entry) { out.push_back(entry.host->address_text()); });
    return out;
  }
  const Host& FirstHost() const { return *hosts_->localities()[0].chunks[0]->entries[0].host; }

  template <typename D>
  std::unique_ptr<D> StartDns(std::string_view yaml) {
    resolver_ = dns_.factory()({});
    auto discovery = std::make_unique<D>(ClusterFromText(yaml), 2, *resolver_, loop_, random_, stats_, *this);
    discovery->Start();
    return discovery;
  }

  SimulatedClock clock_;
  event::EventLoop loop_{clock_};
  Random random_{1};
  telemetry::ClusterUpdateStats stats_;
  FakeDns dns_;
  std::unique_ptr<net::DnsResolver> resolver_;
  HostSetPtr hosts_ = HostSet::Empty();
  int updates_ = 0;
  int changes_ = 0;
  int first_answers_ = 0;
};

constexpr std::string_view kTwoNames = R"(
name: c
type: STRICT_DNS
dns_refresh_rate: 10s
load_assignment:
  cluster_name: c
  endpoints:
  - locality: {zone: a}
    lb_endpoints:
    - {load_balancing_weight: 3, endpoint: {address: {socket_address: {address: one.test, port_value: 80}}}}
    - endpoint: {address: {socket_address: {address: 10.9.9.9, port_value: 90}}}
  - locality: {zone: b}
    priority: 1
    lb_endpoints: {endpoint: {address: {socket_address: {address: two.test, port_value: 81}}}}
)";

constexpr std::string_view kOneName = R"(
name: c
type: STRICT_DNS
dns_refresh_rate: 10s
load_assignment:
  cluster_name: c
  endpoints: {lb_endpoints: {endpoint: {address: {socket_address: {address: one.test, port_value: 80}}}}}
)";

TEST_F(DiscoveryTest, StaticMembersAreThereAtOnce) {
  StaticDiscovery discovery(ClusterFromText(R"(
name: c
load_assignment:
  cluster_name: c
  endpoints: {lb_endpoints: {endpoint: {address: {socket_address: {address: 10.0.0.1, port_value: 80}}}}}
)"),
                            2, *this);
  discovery.Start();
  EXPECT_EQ((Texts{"10.0.0.1:80"}), Members());
  EXPECT_EQ(1, first_answers_);
}

TEST_F(DiscoveryTest, StrictDnsIsWarmWhenEveryNameWasAnswered) {
  const auto discovery = StartDns<StrictDnsDiscovery>(kTwoNames);
  EXPECT_EQ("one.test", dns_.next().name);
  EXPECT_EQ(net::DnsLookupFamily::kAuto, dns_.next().family);
  dns_.Answer({"10.0.0.2", "10.0.0.1"});
  EXPECT_EQ(0, first_answers_);
  dns_.Answer({"fd00::1"});
  EXPECT_EQ(1, first_answers_);
  EXPECT_EQ((Texts{"10.0.0.1:80", "10.0.0.2:80", "10.9.9.9:90", "[fd00::1]:81"}), Members());
  EXPECT_EQ("one.test", FirstHost().hostname());
  EXPECT_EQ(3u, hosts_->localities()[0].chunks[0]->entries[1].weight);
  EXPECT_EQ(1u, hosts_->localities()[1].priority);
  EXPECT_EQ(2u, stats_.update_success.value());
}

TEST_F(DiscoveryTest, StrictDnsAsksAgainAndTellsOfChangesOnly) {
  const auto discovery = StartDns<StrictDnsDiscovery>(kOneName);
  dns_.Answer({"10.0.0.1", "10.0.0.2"});
  Advance(seconds(9));
  EXPECT_EQ(0u, dns_.open());
  Advance(seconds(1));
  ASSERT_EQ(1u, dns_.open());
  dns_.Answer({"10.0.0.2", "10.0.0.1"});  // Rotated.
  EXPECT_EQ(1, updates_);
  EXPECT_EQ(1u, stats_.update_no_rebuild.value());
  Advance(seconds(10));
  dns_.Answer({"10.0.0.3", "10.0.0.1"});
  EXPECT_EQ(2, changes_);
  EXPECT_EQ((Texts{"10.0.0.1:80", "10.0.0.3:80"}), Members());
}

TEST_F(DiscoveryTest, AFailedLookupKeepsTheMembers) {
  const auto discovery = StartDns<StrictDnsDiscovery>(kOneName);
  dns_.Answer({"10.0.0.1"});
  Advance(seconds(10));
  dns_.Fail();
  EXPECT_EQ((Texts{"10.0.0.1:80"}), Members());
  EXPECT_EQ(1u, stats_.update_failure.value());
  Advance(seconds(10));
  EXPECT_EQ(1u, dns_.open());
}

TEST_F(DiscoveryTest, ANameThatIsGoneTakesItsMembersWithIt) {
  const auto discovery = StartDns<StrictDnsDiscovery>(kOneName);
  dns_.Answer({"10.0.0.1"});
  Advance(seconds(10));
  dns_.Answer({});
  EXPECT_EQ(Texts{}, Members());
  EXPECT_EQ(1u, stats_.update_empty.value());
}

TEST_F(DiscoveryTest, AFailedFirstLookupEndsWarming) {
  const auto discovery = StartDns<StrictDnsDiscovery>(kOneName);
  dns_.Fail();
  EXPECT_EQ(1, first_answers_);
  EXPECT_EQ(Texts{}, Members());
}

TEST_F(DiscoveryTest, TheTimeToLiveIsRespectedWhereAskedFor) {
  const auto discovery = StartDns<StrictDnsDiscovery>(std::string(kOneName) + "respect_dns_ttl: true\n");
  dns_.Answer({"10.0.0.1"}, seconds(3));
  Advance(milliseconds(2999));
  EXPECT_EQ(0u, dns_.open());
  Advance(milliseconds(1));
  EXPECT_EQ(1u, dns_.open());
  dns_.Answer({"10.0.0.1"}, seconds(0));
  Advance(milliseconds(999));
  EXPECT_EQ(0u, dns_.open());
  Advance(milliseconds(1));
  EXPECT_EQ(1u, dns_.open());
}

TEST_F(DiscoveryTest, FailuresBackOffWithJitterUpToTheirBound) {
  const auto discovery = StartDns<StrictDnsDiscovery>(
      std::string(kOneName) + "dns_failure_refresh_rate: {base_interval: 1s, max_interval: 4s}\n");
  std::vector<Duration> waits;
  for (int i = 0; i < 40; ++i) {
    dns_.Fail();
    Duration waited{};
    while (dns_.open() == 0) {
      Advance(milliseconds(10));
      waited += milliseconds(10);
    }
    waits.push_back(waited);
  }
  EXPECT_LE(waits[0], milliseconds(1010));
  EXPECT_LE(waits[1], milliseconds(2010));
  EXPECT_LE(*std::max_element(waits.begin(), waits.end()), milliseconds(4010));
  EXPECT_GT(*std::max_element(waits.begin(), waits.end()), milliseconds(2500));
  EXPECT_LT(*std::min_element(waits.begin() + 2, waits.end()), milliseconds(1500));
  // Success starts anew.
  dns_.Answer({"10.0.0.1"});
  Advance(seconds(10));
  dns_.Fail();
  Advance(milliseconds(1010));
  EXPECT_EQ(1u, dns_.open());
}

TEST_F(DiscoveryTest, StrictDnsOfAddressesAloneNeedsNoLookup) {
  const auto discovery = StartDns<StrictDnsDiscovery>(R"(
name: c
type: STRICT_DNS
load_assignment:
  cluster_name: c
  endpoints: {lb_endpoints: {endpoint: {address: {socket_address: {address: 10.0.0.1, port_value: 80}}}}}
)");
  EXPECT_EQ(0u, dns_.open());
  EXPECT_EQ((Texts{"10.0.0.1:80"}), Members());
  EXPECT_EQ(1, first_answers_);
}

TEST_F(DiscoveryTest, DiscoveryThatEndsCancelsItsLookups) {
  auto discovery = StartDns<StrictDnsDiscovery>(kTwoNames);
  discovery.reset();
  EXPECT_EQ(0u, dns_.open());
  Advance(seconds(100));
  EXPECT_EQ(0u, dns_.open());
}

constexpr std::string_view kLogical = R"(
name: c
type: LOGICAL_DNS
dns_refresh_rate: 10s
dns_lookup_family: V4_ONLY
load_assignment:
  cluster_name: c
  endpoints: {lb_endpoints: {endpoint: {address: {socket_address: {address: one.test, port_value: 80}}}}}
)";

TEST_F(DiscoveryTest, LogicalDnsIsOneHostThatMoves) {
  const auto discovery = StartDns<LogicalDnsDiscovery>(kLogical);
  EXPECT_EQ(net::DnsLookupFamily::kV4Only, dns_.next().family);
  dns_.Answer({"10.0.0.1", "10.0.0.2"});
  EXPECT_EQ(1, first_answers_);
  EXPECT_EQ((Texts{"10.0.0.1:80"}), Members());
  Advance(seconds(10));
  dns_.Answer({"10.0.0.2", "10.0.0.1"});
  // The same host set, whose host connects elsewhere now.
  EXPECT_EQ(1, updates_);
  EXPECT_EQ("10.0.0.2:80", FirstHost().connect_address().ToString());
  Advance(seconds(10));
  dns_.Fail();
  Advance(seconds(10));
  dns_.Answer({});
  EXPECT_EQ("10.0.0.2:80", FirstHost().connect_address().ToString());
}

TEST_F(DiscoveryTest, LogicalDnsIsWarmWithoutAnAddressAndGetsOneLater) {
  const auto discovery = StartDns<LogicalDnsDiscovery>(kLogical);
  dns_.Answer({});
  EXPECT_EQ(1, first_answers_);
  EXPECT_EQ(0, updates_);
  Advance(seconds(10));
  dns_.Answer({"10.0.0.1"});
  EXPECT_EQ((Texts{"10.0.0.1:80"}), Members());
  EXPECT_EQ(1, first_answers_);
}

class EdsDiscoveryTest : public DiscoveryTest {
 protected:
  void SetUp() override {
    config_ = ClusterFromText("{name: c, type: EDS, eds_cluster_config: {service_name: svc, eds_config: {ads: {}}}}");
    discovery_ = std::make_unique<EdsDiscovery>(config_, 2, subscriptions_, run_, stats_, *this);
    discovery_->Start();
  }
  void Send(std::string_view addresses, const std::string& version) {
    subscriptions_.Send("svc",
                        AssignmentFromText(StrCat("{cluster_name: svc, endpoints: {lb_endpoints: [", addresses, "]}}")),
                        version);
  }
  static std::string At(std::string_view ip) {
    return StrCat("{endpoint: {address: {socket_address: {address: ", ip, ", port_value: 80}}}}");
  }

  FakeSubscriptions subscriptions_;
  JobRunner run_ = RunHere;
  std::shared_ptr<const ClusterConfig> config_;
  std::unique_ptr<EdsDiscovery> discovery_;
};

TEST_F(EdsDiscoveryTest, AsksForTheServiceNameAndTakesWhatComes) {
  EXPECT_EQ((Texts{"svc"}), subscriptions_.asked);
  Send(At("10.0.0.1"), "v1");
  EXPECT_EQ(1, first_answers_);
  EXPECT_EQ((Texts{"10.0.0.1:80"}), Members());
  const Host* host = &FirstHost();
  Send(StrCat(At("10.0.0.1"), ",", At("10.0.0.2")), "v2");
  EXPECT_EQ((Texts{"10.0.0.1:80", "10.0.0.2:80"}), Members());
  EXPECT_EQ(host, &FirstHost());
  EXPECT_EQ(1, first_answers_);
  EXPECT_EQ("v2", stats_.version_text.value());
  EXPECT_EQ(2u, stats_.update_success.value());
  EXPECT_GT(stats_.update_time.value(), 0);
}

TEST_F(EdsDiscoveryTest, AnAnswerWithoutEndpointsIsAnAnswer) {
  Send("", "v1");
  EXPECT_EQ(1, first_answers_);
  EXPECT_EQ(1u, stats_.update_empty.value());
}

TEST_F(EdsDiscoveryTest, TheTimeLimitEndsWarmingAndEndpointsMayComeLater) {
  subscriptions_.FailFirst("svc", config::FetchFailure::kTimedOut);
  EXPECT_EQ(1, first_answers_);
  EXPECT_EQ(1u, stats_.init_fetch_timeout.value());
  Send(At("10.0.0.1"), "v1");
  EXPECT_EQ(1, first_answers_);
  EXPECT_EQ((Texts{"10.0.0.1:80"}), Members());
}

TEST_F(EdsDiscoveryTest, HostSetsAreMadeByJobs) {
  std::deque<std::function<std::function<void()>()>> jobs;
  run_ = [&jobs](auto job) { jobs.push_back(std::move(job)); };
  Send(At("10.0.0.1"), "v1");
  Send(StrCat(At("10.0.0.1"), ",", At("10.0.0.2")), "v2");
  EXPECT_EQ(0, updates_);
  EXPECT_EQ(0, first_answers_);
  const auto then = jobs[0]();
  const auto later = jobs[1]();
  EXPECT_EQ(0, updates_);
  then();
  EXPECT_EQ(1, first_answers_);
  EXPECT_EQ((Texts{"10.0.0.1:80"}), Members());
  // The cluster may be gone by then.
  discovery_.reset();
  later();
  EXPECT_EQ(1, updates_);
}

TEST_F(EdsDiscoveryTest, EndsItsSubscription) {
  discovery_.reset();
  EXPECT_EQ(0u, subscriptions_.watchers("svc"));
}

}  // namespace
}  // namespace nuncio::upstream
