#include "source/telemetry/stats_store.h"

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "source/telemetry/cluster_stats.h"
#include "source/telemetry/http2_stats.h"
#include "source/telemetry/http_stats.h"
#include "source/telemetry/listener_stats.h"
#include "source/telemetry/server_stats.h"

namespace nuncio::telemetry {
namespace {

TEST(StatsStore, SumsTheShardsOfAllWorkers) {
  StatsStore store;
  const ScopePtr scope = store.GetScope(ClusterScopeName("backend"));
  scope->Get<ClusterTrafficStats>(WorkerSlot(0)).upstream_rq_total.Add(3);
  scope->Get<ClusterTrafficStats>(WorkerSlot(1)).upstream_rq_total.Inc();
  EXPECT_EQ(store.Find("cluster.backend.upstream_rq_total"), 4);
  EXPECT_EQ(scope->Total(&ClusterTrafficStats::upstream_rq_total), 4u);
}

TEST(StatsStore, AGaugeMayGoUpInOneShardAndDownInAnother) {
  StatsStore store;
  const ScopePtr scope = store.GetScope(ClusterScopeName("backend"));
  scope->Get<ClusterTrafficStats>(WorkerSlot(0)).upstream_cx_active.Add(2);
  scope->Get<ClusterTrafficStats>(kMainSlot).upstream_cx_active.Dec();
  EXPECT_EQ(store.Find("cluster.backend.upstream_cx_active"), 1);
}

TEST(StatsStore, ABlockStaysWhereItIs) {
  StatsStore store;
  const ScopePtr scope = store.GetScope(ClusterScopeName("backend"));
  ClusterTrafficStats& block = scope->Get<ClusterTrafficStats>(1);
  for (StatsSlot slot = 2; slot < 100; ++slot) scope->Get<ClusterTrafficStats>(slot);
  EXPECT_EQ(&scope->Get<ClusterTrafficStats>(1), &block);
  EXPECT_NE(&scope->Get<ClusterTrafficStats>(2), &block);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(&block) % 64, 0u);
  EXPECT_EQ(sizeof(ClusterTrafficStats) % 64, 0u);
}

TEST(StatsStore, CountersGoOnWhileAnyoneHoldsTheName) {
  StatsStore store;
  ScopePtr removed = store.GetScope(ClusterScopeName("backend"));
  removed->Get<ClusterTrafficStats>(1).upstream_rq_total.Add(5);
  const ScopePtr readded = store.GetScope(ClusterScopeName("backend"));
  removed.reset();
  readded->Get<ClusterTrafficStats>(1).upstream_rq_total.Inc();
  EXPECT_EQ(store.Find("cluster.backend.upstream_rq_total"), 6);
}

TEST(StatsStore, AScopeGoesWithItsLastHolder) {
  StatsStore store;
  ScopePtr scope = store.GetScope(ClusterScopeName("backend"));
  scope->Get<ClusterTrafficStats>(1).upstream_rq_total.Inc();
  scope.reset();
  EXPECT_EQ(store.Find("cluster.backend.upstream_rq_total"), std::nullopt);
  EXPECT_EQ(store.NextScope(std::nullopt), nullptr);
}

TEST(StatsStore, AScopeMayOutliveTheStore) {
  ScopePtr scope;
  {
    StatsStore store;
    scope = store.GetScope(ClusterScopeName("backend"));
  }
  scope->Get<ClusterTrafficStats>(1).upstream_rq_total.Inc();
  EXPECT_EQ(scope->Total(&ClusterTrafficStats::upstream_rq_total), 1u);
}

TEST(StatsStore, WhatAWorkerCountedOutlivesIt) {
  StatsStore store;
  const ScopePtr scope = store.GetScope(ClusterScopeName("backend"));
  scope->Get<ClusterTrafficStats>(kMainSlot).upstream_rq_total.Inc();
  for (const StatsSlot slot : {WorkerSlot(0), WorkerSlot(1)}) {
    ClusterTrafficStats& block = scope->Get<ClusterTrafficStats>(slot);
    block.upstream_rq_total.Add(10);
    block.upstream_cx_active.Add(2);
    block.upstream_rq_time.Record(20);
    block.upstream_rq.Inc(503);
    store.Retire(slot);
    store.Retire(slot);
  }
  EXPECT_EQ(store.Find("cluster.backend.upstream_rq_total"), 21);
  EXPECT_EQ(store.Find("cluster.backend.upstream_cx_active"), 4);
  EXPECT_EQ(store.Find("cluster.backend.upstream_rq_503"), 2);
  EXPECT_EQ(store.Find("cluster.backend.upstream_rq_5xx"), 2);
  EXPECT_EQ(store.FindHistogram("cluster.backend.upstream_rq_time")->count(), 2u);
}

TEST(StatsStore, ResetCountersStartsAtZeroAndLeavesTheRest) {
  StatsStore store;
  const ScopePtr scope = store.GetScope(ClusterScopeName("backend"));
  ClusterTrafficStats& block = scope->Get<ClusterTrafficStats>(1);
  const auto count = [&] {
    block.upstream_rq_total.Add(4);
    block.upstream_rq.Inc(200);
    block.upstream_cx_active.Inc();
    block.upstream_rq_time.Record(1);
  };
  count();
  store.ResetCounters();
  EXPECT_EQ(store.Find("cluster.backend.upstream_rq_total"), 0);
  EXPECT_EQ(store.Find("cluster.backend.upstream_rq_200"), 0);
  count();
  store.ResetCounters();
  count();
  EXPECT_EQ(store.Find("cluster.backend.upstream_rq_total"), 4);
  EXPECT_EQ(store.Find("cluster.backend.upstream_rq_200"), 1);
  EXPECT_EQ(store.Find("cluster.backend.upstream_rq_2xx"), 1);
  EXPECT_EQ(store.Find("cluster.backend.upstream_cx_active"), 3);
  EXPECT_EQ(store.FindHistogram("cluster.backend.upstream_rq_time")->count(), 3u);
}

TEST(StatsStore, FindsNamesWhoseScopesHaveDots) {
  StatsStore store;
  const ScopePtr outer = store.GetScope(ClusterScopeName("a"));
  const ScopePtr inner = store.GetScope(ClusterScopeName("a.b"));
  const ScopePtr listener = store.GetScope(ListenerScopeName("[::1]:80"));
  const ScopePtr root = store.GetScope(ScopeName());
  inner->Get<ClusterTrafficStats>(1).upstream_rq_total.Add(2);
  outer->Get<ClusterTrafficStats>(1).upstream_rq_total.Add(1);
  listener->Get<ListenerStats>(1).downstream_cx_total.Add(3);
  root->Get<Http2Stats>(1).rx_reset.Add(4);
  EXPECT_EQ(store.Find("cluster.a.upstream_rq_total"), 1);
  EXPECT_EQ(store.Find("cluster.a.b.upstream_rq_total"), 2);
  EXPECT_EQ(store.Find("listener.[__1]_80.downstream_cx_total"), 3);
  EXPECT_EQ(store.Find("http2.rx_reset"), 4);
  EXPECT_EQ(store.Find(""), std::nullopt);
  EXPECT_EQ(store.Find("."), std::nullopt);
  EXPECT_EQ(store.Find("cluster"), std::nullopt);
}

TEST(StatsStore, IntervalIsWhatCameInBetweenTwoTurns) {
  StatsStore store;
  const ScopePtr scope = store.GetScope(ClusterScopeName("backend"));
  ClusterTrafficStats& block = scope->Get<ClusterTrafficStats>(1);
  const auto interval = [&] {
    uint64_t count = 0;
    scope->ForEach(true, [&](const StatView& view) {
      if (view.field.name == "upstream_rq_time") count = view.interval->count();
    });
    return count;
  };
  block.upstream_rq_time.Record(10);
  EXPECT_EQ(interval(), 0u);
  while (!store.TurnInterval(1)) {
  }
  EXPECT_EQ(interval(), 1u);
  block.upstream_rq_time.Record(20);
  block.upstream_rq_time.Record(30);
  EXPECT_EQ(interval(), 1u);
  while (!store.TurnInterval(1)) {
  }
  EXPECT_EQ(interval(), 2u);
}

TEST(StatsStore, ATurnIsDoneInSlices) {
  StatsStore store;
  std::vector<ScopePtr> scopes;
  for (const char* name : {"a", "b", "c"}) scopes.push_back(store.GetScope(ClusterScopeName(name)));
  EXPECT_FALSE(store.TurnInterval(2));
  EXPECT_TRUE(store.TurnInterval(2));
}

// Run under tsan: workers make and write blocks, and let go of scopes, while main reads.
TEST(StatsStore, WorkersWriteWhileMainReads) {
  StatsStore store;
  constexpr int kWorkers = 3;
  constexpr int kRounds = 2000;
  const ScopePtr kept = store.GetScope(ClusterScopeName("kept"));
  std::atomic<int> running{kWorkers};
  std::vector<std::thread> workers;
  for (uint32_t w = 0; w < kWorkers; ++w) {
    workers.emplace_back([&, w] {
      for (int i = 0; i < kRounds; ++i) {
        ClusterTrafficStats& block = kept->Get<ClusterTrafficStats>(WorkerSlot(w));
        block.upstream_rq_total.Inc();
        block.upstream_cx_active.Inc();
        block.upstream_rq_time.Record(static_cast<uint64_t>(i));
        block.upstream_rq.Inc(200 + i % 300);
        block.upstream_cx_active.Dec();
        const ScopePtr shared = store.GetScope(ClusterScopeName("passing"));
        shared->Get<ClusterTrafficStats>(WorkerSlot(w)).upstream_rq_total.Inc();
      }
      running.fetch_sub(1);
    });
  }
  int64_t last = 0;
  while (running.load() > 0) {
    const int64_t now = store.Find("cluster.kept.upstream_rq_total").value_or(0);
    ASSERT_GE(now, last);
    last = now;
    auto cursor = store.Query({});
    ASSERT_TRUE(cursor.ok());
    std::string text;
    while ((*cursor)->Next(text, 4096)) {
    }
    store.TurnInterval(10);
  }
  for (std::thread& worker : workers) worker.join();
  for (uint32_t w = 0; w < kWorkers; ++w) store.Retire(WorkerSlot(w));
  EXPECT_EQ(store.Find("cluster.kept.upstream_rq_total"), kWorkers * kRounds);
  EXPECT_EQ(store.Find("cluster.kept.upstream_cx_active"), 0);
  EXPECT_EQ(store.FindHistogram("cluster.kept.upstream_rq_time")->count(), uint64_t{kWorkers} * kRounds);
}

}  // namespace
}  // namespace nuncio::telemetry
