#include "gtest/gtest.h"
#include "test/upstream/pool/http1_pool_fixture.h"

namespace nuncio::upstream {
namespace {

TEST_F(Http1PoolTest, BeyondTheConnectionLimitRequestsWaitForABusyOne) {
  config_->circuit_breakers[0].max_connections = 1;
  auto first = Begin(0);
  EXPECT_EQ(Stat("circuit_breakers.default.cx_open"), 1);
  auto second = Ask(*host_);
  auto third = Ask(*host_);
  Settle();
  EXPECT_FALSE(second->got_stream);
  EXPECT_EQ(Stat("upstream_cx_total"), 1);
  EXPECT_EQ(Stat("upstream_cx_overflow"), 2);
  EXPECT_EQ(Stat("upstream_rq_pending_active"), 2);
  Answer(*first, 0);
  ASSERT_TRUE(Until([&] { return second->got_stream; }));
  EXPECT_FALSE(third->got_stream) << "first come, first served";
  EXPECT_TRUE(second->connection.reused);
  Answer(*second, 0);
  ASSERT_TRUE(Until([&] { return third->got_stream; }));
  EXPECT_EQ(server_.Accepted(), 1u);
}

TEST_F(Http1PoolTest, WhereAConnectionThatOthersWaitForClosesTheyGetAnotherOne) {
  config_->circuit_breakers[0].max_connections = 1;
  auto first = Begin(0);
  auto second = Ask(*host_);
  first->Abandon();
  ASSERT_TRUE(Until([&] { return second->got_stream; }));
  EXPECT_FALSE(second->connection.reused);
  EXPECT_EQ(Stat("upstream_cx_total"), 2);
}

TEST_F(Http1PoolTest, AHostWithoutAnyConnectionGetsOneBeyondTheLimit) {
  config_->circuit_breakers[0].max_connections = 1;
  auto first = Begin(0);
  FakeServer other;
  const auto other_host = MakeHost(other.address());
  auto second = Ask(*other_host);
  ASSERT_TRUE(Until([&] { return second->got_stream; }));
  EXPECT_EQ(Stat("upstream_cx_active"), 2);
  EXPECT_EQ(Stat("upstream_cx_overflow"), 1);
  EXPECT_EQ(limits_[0]->in_use(Limit::kConnections), 2);
  Answer(*first, 0);
  // The unit that comes back first pays for the one beyond.
  server_.Close(0);
  ASSERT_TRUE(Until([&] { return Stat("upstream_cx_active") == 1; }));
  EXPECT_EQ(limits_[0]->in_use(Limit::kConnections), 1);
}

TEST_F(Http1PoolTest, BeyondTheLimitOfWaitingRequestsTheNextFails) {
  config_->circuit_breakers[0].max_connections = 1;
  config_->circuit_breakers[0].max_pending_requests = 1;
  auto first = Begin(0);
  auto second = Ask(*host_);
  EXPECT_EQ(Stat("circuit_breakers.default.rq_pending_open"), 1);
  auto third = Ask(*host_);
  EXPECT_TRUE(third->failed);
  EXPECT_EQ(third->failure, PoolFailure::kOverflow);
  EXPECT_EQ(Stat("upstream_rq_pending_overflow"), 1);
  Answer(*first, 0);
  ASSERT_TRUE(Until([&] { return second->got_stream; }));
  EXPECT_EQ(Stat("circuit_breakers.default.rq_pending_open"), 0);
}

TEST_F(Http1PoolTest, BeyondTheLimitOfRequestsTheNextFailsEvenWithAnIdleConnection) {
  config_->circuit_breakers[0].max_requests = 1;
  config_->circuit_breakers[0].track_remaining = true;
  auto first = Begin(0);
  EXPECT_EQ(Stat("circuit_breakers.default.rq_open"), 1);
  EXPECT_EQ(Stat("circuit_breakers.default.remaining_rq"), -1) << "the share of this thread";
  auto second = Ask(*host_);
  ASSERT_TRUE(Until([&] { return second->failed; }));
  EXPECT_EQ(second->failure, PoolFailure::kOverflow);
  Answer(*first, 0);
  EXPECT_EQ(Stat("circuit_breakers.default.rq_open"), 0);
  EXPECT_EQ(Stat("circuit_breakers.default.remaining_rq"), 0);
  auto third = Ask(*host_);
  EXPECT_TRUE(third->got_stream);
}

TEST_F(Http1PoolTest, PrioritiesHaveConnectionsAndLimitsOfTheirOwn) {
  config_->circuit_breakers[0].max_connections = 1;
  auto first = Begin(0);
  auto high = NewRequest();
  Ask(*high, *host_, false, RoutingPriority::kHigh);
  ASSERT_TRUE(Until([&] { return high->got_stream; }));
  EXPECT_EQ(Stat("upstream_cx_overflow"), 0);
  EXPECT_EQ(limits_[1]->in_use(Limit::kConnections), 1);
}

TEST_F(Http1PoolTest, AtTheLimitAnIdleConnectionGivesWayToAFreshOne) {
  config_->circuit_breakers[0].max_connections = 1;
  auto first = Begin(0);
  Answer(*first, 0);
  auto fresh = Begin(1, true);
  EXPECT_FALSE(fresh->connection.reused);
  EXPECT_TRUE(server_.SawEnd(0));
}

TEST_F(Http1PoolTest, AtTheLimitABusyConnectionGivesWayToAFreshOneWhenItIsFree) {
  config_->circuit_breakers[0].max_connections = 1;
  auto first = Begin(0);
  auto fresh = Ask(*host_, true);
  Settle();
  EXPECT_FALSE(fresh->got_stream);
  Answer(*first, 0);
  ASSERT_TRUE(Until([&] { return fresh->got_stream; }));
  EXPECT_FALSE(fresh->connection.reused);
  EXPECT_EQ(Stat("upstream_cx_total"), 2);
}

}  // namespace
}  // namespace nuncio::upstream
