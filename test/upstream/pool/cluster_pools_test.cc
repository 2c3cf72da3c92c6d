#include <memory>

#include "gtest/gtest.h"
#include "test/upstream/pool/http1_pool_fixture.h"

namespace nuncio::upstream {
namespace {

using std::chrono::seconds;

TEST_F(Http1PoolTest, ARemovedHostIsServedToTheEnd) {
  config_->circuit_breakers[0].max_connections = 2;
  auto idle = Begin(0);
  auto busy = Begin(1);
  Answer(*idle, 0);
  pools().OnHostRemoved(*host_);
  EXPECT_TRUE(Until([&] { return server_.SawEnd(0); }));
  EXPECT_FALSE(server_.SawEnd(1));
  Answer(*busy, 1);
  EXPECT_TRUE(Until([&] { return server_.SawEnd(1); }));
  EXPECT_TRUE(pools().empty());
}

TEST_F(Http1PoolTest, WhoWaitsForARemovedHostIsServed) {
  config_->circuit_breakers[0].max_connections = 1;
  auto busy = Begin(0);
  auto waiting = Ask(*host_);
  pools().OnHostRemoved(*host_);
  Answer(*busy, 0);
  ASSERT_TRUE(Until([&] { return waiting->got_stream; }));
  ASSERT_TRUE(Until([&] { return Requests(0) == 2; }));
  Answer(*waiting, 0);
  EXPECT_TRUE(Until([&] { return server_.SawEnd(0); }));
  // Whoever still asks for it, as a request that was being balanced, gets a connection all the same.
  auto late = Begin(1);
  Answer(*late, 1);
}

TEST_F(Http1PoolTest, DrainingEndsWithTheLastRequest) {
  auto connecting = Ask(*host_);
  connecting->pending.Cancel();
  auto other = MakeHost(server_.address());
  auto busy = Ask(*other);
  ASSERT_TRUE(Until([&] { return busy->got_stream && server_.Accepted() == 2; }));
  pools().Drain();
  Settle();
  EXPECT_FALSE(pools().empty());
  busy->Abandon();
  EXPECT_TRUE(Until([&] { return pools().empty(); }));
}

TEST_F(Http1PoolTest, ClosingEndsEverythingAtOnce) {
  config_->circuit_breakers[0].max_connections = 1;
  auto busy = Begin(0);
  auto waiting = NewRequest();
  auto again = NewRequest();
  waiting->ask_on_failure = again.get();
  waiting->fixture = this;
  Ask(*waiting, *host_);
  pools().CloseAll();
  EXPECT_TRUE(busy->reset);
  EXPECT_EQ(busy->reset_kind, http::StreamReset::kConnectionClosed);
  EXPECT_TRUE(waiting->failed);
  EXPECT_EQ(waiting->failure, PoolFailure::kTermination);
  EXPECT_TRUE(again->failed);
  EXPECT_TRUE(pools().empty());
}

TEST_F(Http1PoolTest, AHostWithoutConnectionsIsForgottenAfterAWhile) {
  auto request = Begin(0);
  server_.Close(0);
  ASSERT_TRUE(Until([&] { return request->reset; }));
  const std::weak_ptr<const Host> host = host_;
  host_.reset();
  request.reset();
  Settle();
  EXPECT_FALSE(host.expired());
  Advance(seconds(61));
  Advance(seconds(61));
  EXPECT_TRUE(host.expired());
}

}  // namespace
}  // namespace nuncio::upstream
