// Which requests share a host's connections and which do not.
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/upstream/pool/http1_pool_fixture.h"

namespace nuncio::upstream {
namespace {

class PoolKindsTest : public Http1PoolTest {
 protected:
  std::unique_ptr<FakeRequest> AskFor(std::string_view server_name) {
    auto request = NewRequest();
    request->wish.server_name = server_name;
    Ask(*request, *host_);
    return request;
  }
  // One that has its stream, on the connection with this number at the server.
  std::unique_ptr<FakeRequest> BeginFor(std::string_view server_name, size_t connection) {
    auto request = AskFor(server_name);
    EXPECT_TRUE(Until([&] { return Requests(connection) > begun_[connection]; }));
    begun_[connection] = Requests(connection);
    return request;
  }
};

TEST_F(PoolKindsTest, WhatTheClientSpeaksIsSpokenToTheHost) {
  config_->protocol = UpstreamProtocol::kDownstream;
  auto http1 = Begin(0);
  auto http2 = NewRequest();
  http2->wish.client_protocol = http::Protocol::kHttp2;
  Ask(*http2, *host_);
  ASSERT_TRUE(Until([&] { return http2->got_stream && server_.Accepted() == 2 && !server_.Received(1).empty(); }));
  EXPECT_EQ(http1->connection.protocol, http::Protocol::kHttp11);
  EXPECT_EQ(http2->connection.protocol, http::Protocol::kHttp2);
  EXPECT_EQ(server_.Received(1).substr(0, 14), "PRI * HTTP/2.0");
  EXPECT_EQ(Stat("upstream_cx_http1_total"), 1);
  EXPECT_EQ(Stat("upstream_cx_http2_total"), 1);
  EXPECT_EQ(Stat("http2.streams_active"), 1);

  Answer(*http1, 0);
  auto http10 = NewRequest();
  http10->wish.client_protocol = http::Protocol::kHttp10;
  Ask(*http10, *host_);
  EXPECT_EQ(http10->connection.connection_id, http1->connection.connection_id);
  auto another = NewRequest();
  another->wish.client_protocol = http::Protocol::kHttp2;
  Ask(*another, *host_);
  // SETTINGS: only now is it known that there may be more than one stream.
  server_.Send(1, std::string_view("\0\0\0\4\0\0\0\0\0", 9));
  ASSERT_TRUE(Until([&] { return another->got_stream; }));
  EXPECT_EQ(another->connection.connection_id, http2->connection.connection_id);
}

TEST_F(PoolKindsTest, AFixedProtocolIsTheSameForAllClients) {
  auto http1 = Begin(0);
  Answer(*http1, 0);
  auto http2 = NewRequest();
  http2->wish.client_protocol = http::Protocol::kHttp2;
  Ask(*http2, *host_);
  EXPECT_EQ(http2->connection.connection_id, http1->connection.connection_id);
  EXPECT_EQ(http2->connection.protocol, http::Protocol::kHttp11);
}

TEST_F(PoolKindsTest, ConnectionsForOneNameAreNotForAnother) {
  auto a = BeginFor("a.example", 0);
  Answer(*a, 0);
  auto b = BeginFor("b.example", 1);
  Answer(*b, 1);
  auto plain = Begin(2);
  Answer(*plain, 2);
  auto again = AskFor("a.example");
  EXPECT_TRUE(again->got_stream);
  EXPECT_EQ(again->connection.connection_id, a->connection.connection_id);
  EXPECT_NE(b->connection.connection_id, a->connection.connection_id);
}

TEST_F(PoolKindsTest, AHostThatIsRemovedLosesThePoolsOfAllNames) {
  auto a = BeginFor("a.example", 0);
  Answer(*a, 0);
  auto b = BeginFor("b.example", 1);
  pools().OnHostRemoved(*host_);
  EXPECT_TRUE(Until([&] { return server_.SawEnd(0); }));
  Answer(*b, 1);
  EXPECT_TRUE(Until([&] { return pools().empty(); }));
}

TEST_F(PoolKindsTest, PoolsOfNamesAreForgottenAfterAWhile) {
  config_->circuit_breakers[0].track_remaining = true;
  auto a = BeginFor("a.example", 0);
  EXPECT_EQ(Stat("circuit_breakers.default.remaining_cx_pools"), -1) << "the share of this thread";
  Answer(*a, 0);
  server_.Close(0);
  ASSERT_TRUE(Until([&] { return Stat("upstream_cx_active") == 0; }));
  Advance(std::chrono::seconds(61));
  Advance(std::chrono::seconds(61));
  EXPECT_EQ(Stat("circuit_breakers.default.remaining_cx_pools"), 0);
}

TEST_F(PoolKindsTest, AtTheLimitOfPoolsAnIdleOneGivesWay) {
  config_->circuit_breakers[0].max_connection_pools = 2;
  auto a = BeginFor("a.example", 0);
  auto b = BeginFor("b.example", 1);
  EXPECT_EQ(Stat("circuit_breakers.default.cx_pool_open"), 1);
  auto refused = AskFor("c.example");
  EXPECT_EQ(refused->failure, PoolFailure::kOverflow);
  EXPECT_TRUE(refused->failed);
  EXPECT_EQ(Stat("upstream_cx_pool_overflow"), 1);
  Answer(*a, 0);
  Settle();
  auto c = BeginFor("c.example", 2);
  EXPECT_TRUE(c->got_stream);
  EXPECT_TRUE(server_.SawEnd(0));
  EXPECT_FALSE(server_.SawEnd(1));
  EXPECT_EQ(Stat("upstream_cx_pool_overflow"), 1);
}

TEST_F(PoolKindsTest, ThePoolOfAnotherHostGivesWayToo) {
  config_->circuit_breakers[0].max_connection_pools = 1;
  auto first = Begin(0);
  Answer(*first, 0);
  Settle();
  FakeServer other;
  const auto other_host = MakeHost(other.address());
  auto second = Ask(*other_host);
  ASSERT_TRUE(Until([&] { return second->got_stream; }));
  EXPECT_TRUE(Until([&] { return server_.SawEnd(0); }));
}

TEST_F(PoolKindsTest, NamesThatClientsThinkOfDoNotMakeConnectionsBeyondTheLimit) {
  config_->circuit_breakers[0].max_connections = 2;
  auto a = BeginFor("a.example", 0);
  auto b = BeginFor("b.example", 1);
  auto refused = AskFor("c.example");
  EXPECT_TRUE(refused->failed);
  EXPECT_EQ(refused->failure, PoolFailure::kOverflow);
  EXPECT_EQ(Stat("upstream_cx_active"), 2);
  EXPECT_EQ(Stat("upstream_rq_pending_overflow"), 1);
  // One that nobody needs makes room.
  Answer(*a, 0);
  Settle();
  auto c = BeginFor("c.example", 2);
  EXPECT_TRUE(c->got_stream);
  EXPECT_TRUE(server_.SawEnd(0));
}

TEST_F(PoolKindsTest, NamesAreBoundedInNumber) {
  config_->circuit_breakers[0].max_connections = 1;
  config_->circuit_breakers[0].track_remaining = true;
  auto busy = BeginFor("busy.example", 0);
  for (int i = 0; i < 3000; ++i) AskFor("name" + std::to_string(i));
  EXPECT_EQ(Stat("circuit_breakers.default.remaining_cx_pools"), -1024);
  EXPECT_FALSE(busy->reset);
  Answer(*busy, 0);
}

}  // namespace
}  // namespace nuncio::upstream
