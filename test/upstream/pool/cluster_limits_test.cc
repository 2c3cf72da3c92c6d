#include "source/upstream/pool/cluster_limits.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace nuncio::upstream {
namespace {

CircuitBreakerThresholds Thresholds(uint32_t max_requests) {
  CircuitBreakerThresholds thresholds;
  thresholds.max_requests = max_requests;
  return thresholds;
}

TEST(ClusterLimitsTest, OneIsOne) {
  ClusterLimits limits(Thresholds(1), 4);
  EXPECT_TRUE(limits.Take(0, Limit::kRequests));
  for (uint32_t slot = 0; slot < 4; ++slot) EXPECT_FALSE(limits.Take(slot, Limit::kRequests));
  EXPECT_EQ(limits.in_use(Limit::kRequests), 1);
  limits.Return(0, Limit::kRequests);
  // What a thread has given back is there for every other.
  EXPECT_TRUE(limits.Take(3, Limit::kRequests));
}

TEST(ClusterLimitsTest, NoneIsNone) {
  ClusterLimits limits(Thresholds(0), 2);
  EXPECT_FALSE(limits.Take(0, Limit::kRequests));
}

TEST(ClusterLimitsTest, WhatOthersKeepIsThereForWhoNeedsIt) {
  constexpr uint32_t kMax = 1024;
  ClusterLimits limits(Thresholds(kMax), 8);
  // Every thread comes to keep some.
  for (uint32_t slot = 1; slot < 8; ++slot) {
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(limits.Take(slot, Limit::kRequests));
    for (int i = 0; i < 40; ++i) limits.Return(slot, Limit::kRequests);
  }
  EXPECT_EQ(limits.in_use(Limit::kRequests), 0);
  for (uint32_t i = 0; i < kMax; ++i) ASSERT_TRUE(limits.Take(0, Limit::kRequests)) << i;
  EXPECT_FALSE(limits.Take(0, Limit::kRequests));
  EXPECT_EQ(limits.in_use(Limit::kRequests), kMax);
}

TEST(ClusterLimitsTest, ForcedUnitsArePaidBackFirst) {
  ClusterLimits limits(Thresholds(1), 2);
  ASSERT_TRUE(limits.Take(0, Limit::kRequests));
  limits.ForceTake(1, Limit::kRequests);
  EXPECT_EQ(limits.in_use(Limit::kRequests), 2);
  limits.Return(0, Limit::kRequests);
  EXPECT_FALSE(limits.Take(0, Limit::kRequests));
  limits.Return(1, Limit::kRequests);
  EXPECT_TRUE(limits.Take(0, Limit::kRequests));
}

TEST(ClusterLimitsTest, KindsAreIndependent) {
  CircuitBreakerThresholds thresholds;
  thresholds.max_connections = 1;
  thresholds.max_retries = 0;
  ClusterLimits limits(thresholds, 1);
  EXPECT_TRUE(limits.Take(0, Limit::kConnections));
  EXPECT_FALSE(limits.Take(0, Limit::kConnections));
  EXPECT_FALSE(limits.Take(0, Limit::kRetries));
  EXPECT_TRUE(limits.Take(0, Limit::kPendingRequests));
}

// The limits themselves are main's part of what remains, and none of the leases'.
TEST(LimitLeaseTest, GaugesOfAllThreadsAddUp) {
  CircuitBreakerThresholds thresholds = Thresholds(2);
  thresholds.track_remaining = true;
  auto limits = std::make_shared<ClusterLimits>(thresholds, 3);
  telemetry::CircuitBreakerStats stats[3];
  {
    LimitLease main(limits, 0, stats[0]);
    LimitLease one(limits, 1, stats[1]);
    LimitLease two(limits, 2, stats[2]);
    const auto open = [&] { return stats[0].rq_open.value() + stats[1].rq_open.value() + stats[2].rq_open.value(); };
    const auto remaining = [&] {
      return stats[0].remaining_rq.value() + stats[1].remaining_rq.value() + stats[2].remaining_rq.value();
    };
    ASSERT_TRUE(one.Take(Limit::kRequests));
    EXPECT_EQ(open(), 0);
    ASSERT_TRUE(two.Take(Limit::kRequests));
    EXPECT_EQ(open(), 1);
    EXPECT_EQ(remaining(), -2);
    EXPECT_FALSE(main.Take(Limit::kRequests));
    EXPECT_EQ(open(), 1);
    // Another thread than the one that found it full.
    one.Return(Limit::kRequests);
    EXPECT_EQ(open(), 0);
    EXPECT_EQ(remaining(), -1);
    two.Return(Limit::kRequests);
    EXPECT_EQ(open(), 0);
    EXPECT_EQ(remaining(), 0);
  }
}

// Threads that take and return as fast as they can, under limits from one unit to more than they ever hold.
class ClusterLimitsThreadsTest : public testing::TestWithParam<uint32_t> {};

TEST_P(ClusterLimitsThreadsTest, NeverMoreThanTheLimitAndNothingIsLost) {
  constexpr uint32_t kThreads = 4;
  constexpr int kRounds = 20000;
  constexpr int kHeld = 24;
  const uint32_t max = GetParam();
  auto limits = std::make_shared<ClusterLimits>(Thresholds(max), kThreads);
  telemetry::CircuitBreakerStats stats[kThreads];
  std::atomic<int64_t> in_use{0};
  std::atomic<bool> exceeded{false};
  {
    std::vector<std::unique_ptr<LimitLease>> leases;
    for (uint32_t slot = 0; slot < kThreads; ++slot) {
      leases.push_back(std::make_unique<LimitLease>(limits, slot, stats[slot]));
    }
    std::vector<std::thread> threads;
    for (uint32_t slot = 0; slot < kThreads; ++slot) {
      threads.emplace_back([&, slot] {
        int held = 0;
        for (int round = 0; round < kRounds; ++round) {
          if (held < kHeld && (round * 7 + slot) % 3 != 0 && leases[slot]->Take(Limit::kRequests)) {
            ++held;
            if (in_use.fetch_add(1) >= static_cast<int64_t>(max)) exceeded = true;
          } else if (held > 0) {
            --held;
            in_use.fetch_sub(1);
            leases[slot]->Return(Limit::kRequests);
          }
        }
        for (; held > 0; --held) {
          in_use.fetch_sub(1);
          leases[slot]->Return(Limit::kRequests);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_FALSE(exceeded);
    EXPECT_EQ(limits->in_use(Limit::kRequests), 0);
    int64_t open = 0;
    for (const auto& block : stats) open += block.rq_open.value();
    EXPECT_EQ(open, 0);
    for (uint32_t i = 0; i < max; ++i) ASSERT_TRUE(leases[0]->Take(Limit::kRequests)) << i << " of " << max;
    EXPECT_FALSE(leases[0]->Take(Limit::kRequests));
    for (uint32_t i = 0; i < max; ++i) leases[0]->Return(Limit::kRequests);
  }
  EXPECT_EQ(limits->in_use(Limit::kRequests), 0);
}

INSTANTIATE_TEST_SUITE_P(Limits, ClusterLimitsThreadsTest, testing::Values(1, 2, 7, 60, 1024));

}  // namespace
}  // namespace nuncio::upstream
