#include "gtest/gtest.h"
#include "test/upstream/pool/http1_pool_fixture.h"

namespace nuncio::upstream {
namespace {

using std::chrono::seconds;

TEST_F(Http1PoolTest, TheConnectionThatBecameFreeLastIsUsedFirst) {
  auto a = Begin(0);
  auto b = Begin(1);
  auto c = Begin(2);
  Answer(*a, 0);
  Answer(*c, 2);
  Answer(*b, 1);
  auto d = Begin(1);
  EXPECT_EQ(d->connection.connection_id, b->connection.connection_id);
  auto e = Begin(2);
  EXPECT_EQ(e->connection.connection_id, c->connection.connection_id);
  EXPECT_EQ(Stat("upstream_cx_total"), 3);
}

TEST_F(Http1PoolTest, ACancelledWaitLeavesTheConnectionForTheNext) {
  auto first = Ask(*host_);
  EXPECT_TRUE(first->pending.waiting());
  first->pending.Cancel();
  EXPECT_EQ(Stat("upstream_rq_pending_active"), 0);
  EXPECT_EQ(Stat("upstream_rq_cancelled"), 1);
  ASSERT_TRUE(Until([&] { return server_.Accepted() == 1; }));
  Settle();
  EXPECT_FALSE(first->got_stream);
  auto second = Ask(*host_);
  EXPECT_TRUE(second->got_stream);
  EXPECT_TRUE(second->connection.reused) << "it lay idle, as one does that the host may close any moment";
}

TEST_F(Http1PoolTest, AFreshConnectionIsNeverAReusedOne) {
  auto first = Begin(0);
  Answer(*first, 0);
  auto fresh = Begin(1, true);
  EXPECT_FALSE(fresh->connection.reused);
  EXPECT_NE(fresh->connection.connection_id, first->connection.connection_id);
}

TEST_F(Http1PoolTest, AConnectionEndsWithItsLastAllowedRequest) {
  config_->http.max_requests_per_connection = 2;
  auto first = Begin(0);
  Answer(*first, 0);
  auto second = Begin(0);
  EXPECT_EQ(Stat("upstream_cx_max_requests"), 1);
  Answer(*second, 0);
  EXPECT_TRUE(Until([&] { return server_.SawEnd(0); }));
  auto third = Begin(1);
  EXPECT_FALSE(third->connection.reused);
}

TEST_F(Http1PoolTest, AnIdleConnectionEndsInTimeAndABusyOneDoesNot) {
  config_->http.idle_timeout = seconds(10);
  auto first = Begin(0);
  Advance(seconds(11));
  EXPECT_FALSE(first->reset);
  Answer(*first, 0);
  Advance(seconds(9));
  EXPECT_FALSE(server_.SawEnd(0));
  auto second = Begin(0);
  Answer(*second, 0);
  Advance(seconds(9));
  EXPECT_FALSE(server_.SawEnd(0)) << "the time runs anew after each request";
  Advance(seconds(2));
  EXPECT_TRUE(Until([&] { return server_.SawEnd(0); }));
  EXPECT_EQ(Stat("upstream_cx_idle_timeout"), 1);
}

TEST_F(Http1PoolTest, AnOldConnectionFinishesItsRequestAndEnds) {
  config_->http.max_connection_duration = seconds(10);
  auto first = Begin(0);
  Advance(seconds(11));
  EXPECT_EQ(Stat("upstream_cx_max_duration_reached"), 1);
  EXPECT_FALSE(server_.SawEnd(0));
  Answer(*first, 0);
  EXPECT_TRUE(Until([&] { return server_.SawEnd(0); }));
  auto second = Begin(1);
  Answer(*second, 1);
  Advance(seconds(11));
  EXPECT_TRUE(Until([&] { return server_.SawEnd(1); }));
}

}  // namespace
}  // namespace nuncio::upstream
