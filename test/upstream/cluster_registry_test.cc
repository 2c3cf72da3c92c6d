#include "source/upstream/cluster_registry.h"

#include <atomic>
#include <thread>

#include "gtest/gtest.h"
#include "source/base/strings.h"
#include "source/tls/context_compiler.h"
#include "test/tls/test_pki.h"
#include "test/upstream/config_text.h"
#include "test/upstream/fakes.h"

namespace nuncio::upstream {
namespace {

using std::chrono::seconds;

class KeepNothing : public ObjectHome {
 public:
  void TakeBack(std::shared_ptr<const void>) override {}
};

// One thread's side, on a loop that the test turns or a thread runs.
struct TestThread {
  explicit TestThread(telemetry::StatsSlot slot, const Clock& clock = Clock::Real())
      : loop(clock), services{loop, slices, arena_blocks, random, slot}, clusters(services, home) {}
  ~TestThread() {
    // What main posted last comes before the end, as on a worker.
    loop.RunOnce();
    clusters.Clear();
    loop.RunOnce();
  }

  buffer::SlicePool slices;
  ArenaBlockPool arena_blocks;
  Random random{1};
  KeepNothing home;
  event::EventLoop loop;
  WorkerServices services;
  WorkerClusters clusters;
};

std::string StaticCluster(std::string_view name, std::string_view ip, std::string_view more = "") {
  return StrCat("{name: ", name, more,
                ", load_assignment: {cluster_name: c, endpoints: {lb_endpoints: {endpoint: {address: "
                "{socket_address: {address: ",
                ip, ", port_value: 80}}}}}}}");
}
std::string EdsCluster(std::string_view name, std::string_view more = "") {
  return StrCat("{name: ", name, ", type: EDS, eds_cluster_config: {eds_config: {ads: {}}}", more, "}");
}
std::shared_ptr<const ClusterAssignment> Members(const std::vector<std::string>& ips) {
  std::string text = "{cluster_name: c, endpoints: {lb_endpoints: [";
  for (const std::string& ip : ips) {
    StrAppend(text, "{endpoint: {address: {socket_address: {address: ", ip, ", port_value: 80}}}},");
  }
  return AssignmentFromText(text + "]}}");
}

class ClusterRegistryTest : public testing::Test {
 protected:
  ClusterRegistryTest() {
    registry_.AddThread(main_.loop, main_.clusters);
    registry_.AddThread(worker_.loop, worker_.clusters);
    registry_.SetSubscriptions(subscriptions_, RunHere);
    contexts_.AddThread(main_.loop);
    contexts_.AddThread(worker_.loop);
    contexts_.SetSubscriptions(subscriptions_);
  }

  std::string Apply(const std::string& yaml, std::string_view version = "1") {
    return registry_.ApplyUpdate(ClusterResourceFromText(yaml, version)).ToString();
  }
  bool AddStatic(const std::string& yaml) {
    return registry_.AddStatic(ClusterFromText(yaml), std::make_shared<const std::string>(yaml)).empty();
  }
  // What a request on the worker would get: an address, "none" or "no cluster".
  std::string Pick(const std::string& name) { return PickOn(worker_, name); }
  static std::string PickOn(TestThread& thread, const std::string& name) {
    thread.loop.RunOnce();
    const WorkerClusterRef cluster = thread.clusters.Find(name);
    if (!cluster) return "no cluster";
    const HostRef host = cluster->PickHost();
    return host ? host->address().IpText() : "none";
  }
  int64_t Stat(std::string_view name) { return stats_.Find(name).value_or(-1); }

  telemetry::StatsStore stats_;
  SimulatedClock clock_;
  FakeDns dns_;
  FakeSubscriptions subscriptions_;
  TestThread main_{0, clock_};
  TestThread worker_{1, clock_};
  const tls::SecretType secret_type_{config::DataSourceAccess::kRead};
  tls::ContextRegistry contexts_{{main_.loop, stats_, [](auto job) {
                                    if (auto then = job(); then) then();
                                  },
                                  secret_type_}};
  ClusterRegistry registry_{{main_.loop, main_.random, stats_, dns_.factory(), {}, nullptr, 2, &contexts_}};
};

std::string TlsCluster(std::string_view name, std::string_view ip, std::string_view secret) {
  return StaticCluster(name, ip,
                       StrCat(", transport_socket: {name: tls, typed_config: {\"@type\": type.googleapis.com/"
                              "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, common_tls_context: "
                              "{validation_context_sds_secret_config: {name: ",
                              secret, ", sds_config: {ads: {}}}}}}"));
}

std::shared_ptr<const tls::Secret> Roots(const std::string& name) {
  envoy::extensions::transport_sockets::tls::v3::Secret message;
  message.set_name(name);
  message.mutable_validation_context()->mutable_trusted_ca()->set_inline_string(
      tls::Issue({.name = "authority", .ca = true, .not_after = int64_t{3650} * 86400}, nullptr, 1767225600).Pem());
  config::Faults faults;
  auto out = tls::CompileSecret(message, config::DataSourceAccess::kRead, faults);
  EXPECT_EQ("", faults.ToString());
  return out;
}

TEST_F(ClusterRegistryTest, AClusterWaitsForItsSecretsWhileTheOneBeforeServes) {
  EXPECT_EQ("", Apply(TlsCluster("c", "10.0.0.1", "roots")));
  EXPECT_EQ("no cluster", Pick("c"));
  EXPECT_NE(nullptr, registry_.FindWarming("c"));
  EXPECT_EQ(1, Stat("cluster.c.warming_state"));
  subscriptions_.Send("roots", Roots("roots"));
  EXPECT_EQ("10.0.0.1", Pick("c"));
  EXPECT_EQ(0, Stat("cluster.c.warming_state"));
  EXPECT_EQ("", Apply(TlsCluster("c", "10.0.0.2", "others"), "2"));
  EXPECT_EQ("10.0.0.1", Pick("c"));
  subscriptions_.Send("others", Roots("others"));
  EXPECT_EQ("10.0.0.2", Pick("c"));
  // One whose secrets are there already is warm at once.
  EXPECT_EQ("", Apply(TlsCluster("d", "10.0.0.3", "others")));
  EXPECT_EQ("10.0.0.3", Pick("d"));
}

TEST_F(ClusterRegistryTest, AClusterWaitsForItsSecretsOnlySoLong) {
  bool started = false;
  EXPECT_TRUE(AddStatic(TlsCluster("c", "10.0.0.1", "roots")));
  registry_.WhenStartMayGoOn([&] { started = true; });
  EXPECT_FALSE(started);
  subscriptions_.FailFirst("roots", config::FetchFailure::kTimedOut);
  EXPECT_TRUE(started);
  EXPECT_EQ("10.0.0.1", Pick("c"));
}

TEST_F(ClusterRegistryTest, AClusterMayGoWhileItWaitsForItsSecrets) {
  EXPECT_EQ("", Apply(TlsCluster("c", "10.0.0.1", "roots")));
  EXPECT_TRUE(registry_.Remove("c"));
  main_.loop.RunOnce();
  EXPECT_EQ(0u, subscriptions_.watchers("roots"));
}

TEST_F(ClusterRegistryTest, AStaticClusterServesAtOnceOnMainAndThenOnWorkers) {
  EXPECT_TRUE(AddStatic(StaticCluster("c", "10.0.0.1")));
  EXPECT_TRUE(main_.clusters.Find("c"));
  EXPECT_FALSE(worker_.clusters.Find("c"));
  EXPECT_EQ("10.0.0.1", Pick("c"));
  EXPECT_FALSE(AddStatic(StaticCluster("c", "10.0.0.2")));
  EXPECT_TRUE(registry_.IsStatic("c"));
  EXPECT_EQ(1, Stat("cluster_manager.active_clusters"));
  EXPECT_EQ(1, Stat("cluster.c.membership_total"));
  EXPECT_EQ(1, Stat("cluster.c.membership_healthy"));
}

TEST_F(ClusterRegistryTest, DiscoveryDoesNotRemoveClustersOfTheBootstrap) {
  AddStatic(StaticCluster("c", "10.0.0.1"));
  EXPECT_FALSE(registry_.Remove("c"));
  EXPECT_EQ("10.0.0.1", Pick("c"));
}

TEST_F(ClusterRegistryTest, AClusterIsNotThereUntilItIsWarm) {
  EXPECT_EQ("", Apply(EdsCluster("c")));
  EXPECT_EQ("no cluster", Pick("c"));
  EXPECT_EQ(1, Stat("cluster_manager.warming_clusters"));
  EXPECT_EQ(1, Stat("cluster.c.warming_state"));
  EXPECT_EQ(nullptr, registry_.FindActive("c"));
  EXPECT_NE(nullptr, registry_.FindWarming("c"));
  subscriptions_.Send("c", Members({"10.0.0.1"}));
  EXPECT_EQ("10.0.0.1", Pick("c"));
  EXPECT_EQ(0, Stat("cluster_manager.warming_clusters"));
  EXPECT_EQ(0, Stat("cluster.c.warming_state"));
  EXPECT_EQ(1, Stat("cluster.c.membership_total"));
}

TEST_F(ClusterRegistryTest, AFailedFirstFetchMakesItServeWithoutHosts) {
  Apply(EdsCluster("c"));
  subscriptions_.FailFirst("c", config::FetchFailure::kTimedOut);
  EXPECT_EQ("none", Pick("c"));
}

TEST_F(ClusterRegistryTest, TheOldVersionServesWhileTheNewOneWarms) {
  Apply(StaticCluster("c", "10.0.0.1"));
  EXPECT_EQ("10.0.0.1", Pick("c"));
  Apply(EdsCluster("c"), "2");
  EXPECT_EQ("10.0.0.1", Pick("c"));
  subscriptions_.Send("c", Members({"10.0.0.2"}));
  EXPECT_EQ("10.0.0.2", Pick("c"));
  EXPECT_EQ("2", registry_.FindActive("c")->resource().version);
  EXPECT_EQ(1, Stat("cluster_manager.cluster_added"));
  EXPECT_EQ(1, Stat("cluster_manager.cluster_modified"));
}

TEST_F(ClusterRegistryTest, EqualBytesAreNoWork) {
  Apply(EdsCluster("c"), "1");
  subscriptions_.Send("c", Members({"10.0.0.1"}));
  const Cluster* before = registry_.FindActive("c");
  Apply(EdsCluster("c"), "2");
  EXPECT_EQ(before, registry_.FindActive("c"));
  EXPECT_EQ("2", before->resource().version);
  EXPECT_EQ(nullptr, registry_.FindWarming("c"));
  EXPECT_EQ(1u, subscriptions_.asked.size());
}

TEST_F(ClusterRegistryTest, GoingBackToTheActiveVersionEndsWarming) {
  Apply(StaticCluster("c", "10.0.0.1"));
  Apply(EdsCluster("c"));
  int warmed = 0;
  registry_.WhenWarmed("c", [&] { ++warmed; });
  EXPECT_EQ(0, warmed);
  Apply(StaticCluster("c", "10.0.0.1"));
  EXPECT_EQ(1, warmed);
  main_.loop.RunOnce();
  EXPECT_EQ(0u, subscriptions_.watchers("c"));
  EXPECT_EQ("10.0.0.1", Pick("c"));
}

TEST_F(ClusterRegistryTest, ANewerVersionTakesThePlaceOfOneThatWarms) {
  Apply(EdsCluster("c"), "1");
  Apply(EdsCluster("c", ", connect_timeout: 1s"), "2");
  main_.loop.RunOnce();
  EXPECT_EQ(1u, subscriptions_.watchers("c"));
  subscriptions_.Send("c", Members({"10.0.0.1"}));
  EXPECT_EQ("10.0.0.1", Pick("c"));
  EXPECT_EQ(seconds(1), worker_.clusters.Find("c")->config().connect_timeout);
}

TEST_F(ClusterRegistryTest, ChangedMembersReplaceTheHostSetAlone) {
  Apply(EdsCluster("c"));
  subscriptions_.Send("c", Members({"10.0.0.1", "10.0.0.2"}));
  EXPECT_NE("no cluster", Pick("c"));
  const WorkerClusterRef cluster = worker_.clusters.Find("c");
  subscriptions_.Send("c", Members({"10.0.0.2"}), "2");
  EXPECT_EQ("10.0.0.2", Pick("c"));
  EXPECT_EQ("10.0.0.2", Pick("c"));
  EXPECT_EQ(cluster.get(), worker_.clusters.Find("c").get());
  EXPECT_EQ(1, Stat("cluster.c.membership_total"));
  EXPECT_EQ(2, Stat("cluster.c.membership_change"));
  EXPECT_EQ(1, Stat("cluster_manager.cluster_updated"));
}

// Whatever its thread has yet to be told.
TEST_F(ClusterRegistryTest, AClusterThatIsFirstUsedAfterAChangeHasTheNewestMembers) {
  Apply(EdsCluster("c"));
  subscriptions_.Send("c", Members({"10.0.0.1"}));
  worker_.loop.RunOnce();
  subscriptions_.Send("c", Members({"10.0.0.1", "10.0.0.2"}));
  subscriptions_.Send("c", Members({"10.0.0.3"}));
  const WorkerClusterRef cluster = worker_.clusters.Find("c");
  ASSERT_TRUE(cluster);
  EXPECT_EQ("10.0.0.3", cluster->PickHost()->address().IpText());
  EXPECT_EQ("10.0.0.3", Pick("c"));
}

TEST_F(ClusterRegistryTest, StatisticsShowAsZeroBeforeTheFirstUse) {
  Apply(StaticCluster("c", "10.0.0.1"));
  for (const std::string_view name :
       {"upstream_rq_total", "upstream_cx_active", "lb_healthy_panic", "http1.response_framing_error",
        "circuit_breakers.default.cx_open", "circuit_breakers.high.rq_retry_open"}) {
    EXPECT_EQ(0, Stat(StrCat("cluster.c.", name))) << name;
  }
  EXPECT_EQ(1, Stat("cluster.c.membership_total"));
}

TEST_F(ClusterRegistryTest, WhatRemainsOfTheLimitsShowsWhileTheClusterIsActive) {
  constexpr std::string_view kTracked = ", circuit_breakers: {thresholds: {max_retries: 7, track_remaining: true}}";
  const std::string name = "cluster.c.circuit_breakers.default.remaining_retries";
  Apply(StaticCluster("c", "10.0.0.1", kTracked));
  EXPECT_EQ(7, Stat(name));
  EXPECT_EQ(0, Stat("cluster.c.circuit_breakers.high.remaining_retries"));
  ASSERT_EQ("10.0.0.1", Pick("c"));
  const WorkerClusterRef cluster = worker_.clusters.Find("c");
  ASSERT_TRUE(cluster->TakeRetry());
  EXPECT_EQ(6, Stat(name));
  cluster->ReturnRetry();
  Apply(StaticCluster("c", "10.0.0.2", kTracked), "2");
  main_.loop.RunOnce();
  EXPECT_EQ(7, Stat(name)) << "the version before is gone";
  Apply(StaticCluster("c", "10.0.0.2"), "3");
  main_.loop.RunOnce();
  EXPECT_EQ(0, Stat(name));
}

TEST_F(ClusterRegistryTest, AHostThatIsHeldOutlivesItsRemoval) {
  Apply(EdsCluster("c"));
  subscriptions_.Send("c", Members({"10.0.0.1"}));
  worker_.loop.RunOnce();
  HostRef host = worker_.clusters.Find("c")->PickHost();
  std::weak_ptr<const Host> watch = host->weak_from_this();
  subscriptions_.Send("c", Members({"10.0.0.2"}), "2");
  main_.loop.RunOnce();
  worker_.loop.RunOnce();
  ASSERT_FALSE(watch.expired());
  EXPECT_EQ("10.0.0.1", host->address().IpText());
  host.reset();
  EXPECT_TRUE(watch.expired());
}

TEST_F(ClusterRegistryTest, ARemovedClusterIsGoneForNewRequestsAndStaysForThoseThatHoldIt) {
  Apply(StaticCluster("c", "10.0.0.1"));
  EXPECT_EQ("10.0.0.1", Pick("c"));
  WorkerClusterRef held = worker_.clusters.Find("c");
  EXPECT_TRUE(registry_.Remove("c"));
  EXPECT_FALSE(registry_.Remove("c"));
  EXPECT_EQ("no cluster", Pick("c"));
  EXPECT_TRUE(held->retired());
  EXPECT_EQ("10.0.0.1", held->PickHost()->address().IpText());
  held.reset();
  main_.loop.RunOnce();
  worker_.loop.RunOnce();
  // The last holder took its statistics along.
  EXPECT_EQ(-1, Stat("cluster.c.membership_total"));
  EXPECT_EQ(1, Stat("cluster_manager.cluster_removed"));
}

TEST_F(ClusterRegistryTest, RemovalEndsWarmingAndTellsThoseWhoWait) {
  Apply(EdsCluster("c"));
  int warmed = 0;
  registry_.WhenWarmed("c", [&] { ++warmed; });
  registry_.Remove("c");
  EXPECT_EQ(1, warmed);
  main_.loop.RunOnce();
  EXPECT_EQ(0u, subscriptions_.watchers("c"));
  EXPECT_EQ(0u, registry_.warming_count());
}

TEST_F(ClusterRegistryTest, RemovalFromWithinTheAnswerIsSafe) {
  Apply(EdsCluster("c"));
  registry_.WhenWarmed("c", [&] { registry_.Remove("c"); });
  subscriptions_.Send("c", Members({"10.0.0.1"}));
  main_.loop.RunOnce();
  EXPECT_EQ("no cluster", Pick("c"));
}

TEST_F(ClusterRegistryTest, WaitingForWhatIsWarmOrUnknownEndsAtOnce) {
  Apply(StaticCluster("c", "10.0.0.1"));
  int warmed = 0;
  registry_.WhenWarmed("c", [&] { ++warmed; });
  registry_.WhenWarmed("nowhere", [&] { ++warmed; });
  EXPECT_EQ(2, warmed);
}

TEST_F(ClusterRegistryTest, TheStartWaitsForClustersThatAskForIt) {
  Apply(EdsCluster("a"));
  Apply(EdsCluster("b", ", wait_for_warm_on_init: false"));
  int started = 0;
  registry_.WhenStartMayGoOn([&] { ++started; });
  EXPECT_EQ(0, started);
  subscriptions_.Send("a", Members({"10.0.0.1"}));
  EXPECT_EQ(1, started);
  subscriptions_.Send("b", Members({"10.0.0.1"}));
  EXPECT_EQ(1, started);
}

TEST_F(ClusterRegistryTest, AThreadThatComesLaterGetsWhatThereIs) {
  Apply(StaticCluster("c", "10.0.0.1"));
  TestThread late(1, clock_);
  registry_.AddThread(late.loop, late.clusters);
  EXPECT_EQ("10.0.0.1", PickOn(late, "c"));
}

TEST_F(ClusterRegistryTest, ClustersShareResolversWithEqualOptions) {
  const auto dns = [](std::string_view name) {
    return StrCat("{name: ", name, ", type: STRICT_DNS, load_assignment: {cluster_name: c, endpoints: {lb_endpoints: "
                  "{endpoint: {address: {socket_address: {address: ", name, ".test, port_value: 80}}}}}}}");
  };
  Apply(dns("a"));
  Apply(dns("b"));
  EXPECT_EQ(1u, dns_.created.size());
  dns_.Answer({"10.0.0.1"});
  EXPECT_EQ("10.0.0.1", Pick("a"));
  EXPECT_EQ("no cluster", Pick("b"));
  dns_.Answer({"10.0.0.2"});
  EXPECT_EQ("10.0.0.2", Pick("b"));
}

TEST_F(ClusterRegistryTest, NamesAreWalkedInOrder) {
  for (const char* name : {"b", "c", "a"}) Apply(StaticCluster(name, "10.0.0.1"));
  EXPECT_EQ("a", registry_.NextName(""));
  EXPECT_EQ("b", registry_.NextName("a"));
  EXPECT_EQ("c", registry_.NextName("bb"));
  EXPECT_EQ("", registry_.NextName("c"));
}

TEST_F(ClusterRegistryTest, AltStatNameNamesTheStatistics) {
  Apply(StaticCluster("c", "10.0.0.1", ", alt_stat_name: other"));
  EXPECT_EQ(1, Stat("cluster.other.membership_total"));
}

// Two workers pick while main, and the thread that makes host sets for it, changes members, versions and the cluster's
// existence.
TEST(ClusterRegistryThreadsTest, ChangesReachRunningWorkers) {
  telemetry::StatsStore stats;
  FakeDns dns;
  FakeSubscriptions subscriptions;
  TestThread main(0);
  std::unique_ptr<TestThread> workers[2] = {std::make_unique<TestThread>(1), std::make_unique<TestThread>(2)};
  ClusterRegistry registry({main.loop, main.random, stats, dns.factory(), {}, nullptr, 3});
  registry.SetSubscriptions(subscriptions, [](const auto& job) {
    std::function<void()> then;
    std::thread([&] { then = job(); }).join();
    then();
  });
  registry.AddThread(main.loop, main.clusters);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> picks{0};
  std::vector<std::thread> threads;
  for (auto& worker : workers) {
    registry.AddThread(worker->loop, worker->clusters);
    threads.emplace_back([&stop, &picks, &worker] {
      while (!stop.load(std::memory_order_relaxed)) {
        worker->loop.RunOnce();
        const WorkerClusterRef cluster = worker->clusters.Find("c");
        if (!cluster) continue;
        const HostRef host = cluster->PickHost();
        if (!host) continue;
        host->stats(worker->services.slot).rq_total.Inc();
        picks.fetch_add(1, std::memory_order_relaxed);
      }
      // What the thread made it lets go of.
      worker->clusters.Clear();
      worker->loop.RunOnce();
    });
  }
  for (int round = 0; round < 200; ++round) {
    registry.ApplyUpdate(
        ClusterResourceFromText(EdsCluster("c", StrCat(", connect_timeout: ", round % 3 + 1, "s")), "1"));
    for (int i = 0; i < 5; ++i) {
      subscriptions.Send("c", Members({StrCat("10.0.0.", i), StrCat("10.0.1.", round % 7), "10.0.2.1"}));
      registry.FindActive("c")->hosts()->ForEach(
          [](const LocalityHosts&, const HostEntry& entry) { entry.host->TotalStats(); });
      main.loop.RunOnce();
    }
    if (round % 10 == 9) registry.Remove("c");
    main.loop.RunOnce();
  }
  // The last round removed it: put it back, and wait until it is used.
  registry.ApplyUpdate(ClusterResourceFromText(StaticCluster("c", "10.0.0.1"), "2"));
  const uint64_t before = picks.load();
  while (picks.load() < before + 100) std::this_thread::yield();
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(registry.FindActive("c")->hosts()->localities()[0].chunks[0]->entries[0].host->TotalStats().rq_total, 0u);
}

}  // namespace
}  // namespace nuncio::upstream
