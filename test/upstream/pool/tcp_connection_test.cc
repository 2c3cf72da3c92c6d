#include "source/upstream/pool/tcp_connection.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/upstream/pool/pool_fixture.h"

namespace nuncio::upstream {
namespace {

using std::chrono::milliseconds;

// What becomes of one connection, which it destroys as a user is to.
class FakeTcpUser final : public TcpReceiver {
 public:
  explicit FakeTcpUser(event::EventLoop& loop) : loop_(loop) {}
  ~FakeTcpUser() { Drop(); }
  void Drop() {
    if (tcp == nullptr) return;
    tcp->Close();
    loop_.DeferDelete(std::move(tcp));
  }
  void Write(std::string_view bytes) {
    tcp->connection().write_buffer().Append(bytes);
    tcp->connection().FlushSoon();
  }

  std::unique_ptr<TcpConnection> tcp;
  PoolFailure refused{};  // Of a connection that was not to be had.
  int connected = 0;
  std::optional<PoolFailure> failure;
  std::string failure_details;
  std::string received;
  bool ended = false;
  std::optional<net::CloseReason> closed;
  int high = 0;
  int low = 0;

 private:
  void OnUpstreamConnected() override { ++connected; }
  void OnUpstreamConnectFailed(PoolFailure why, std::string_view details) override {
    EXPECT_FALSE(failure.has_value());
    failure = why;
    failure_details = details;
    Drop();
  }
  void OnUpstreamData(buffer::Buffer& data, bool end) override {
    received += data.ToString();
    data.Clear();
    ended = end;
  }
  void OnUpstreamClosed(net::CloseReason reason) override {
    EXPECT_FALSE(closed.has_value());
    closed = reason;
    Drop();
  }
  void OnUpstreamWriteBufferHigh() override { ++high; }
  void OnUpstreamWriteBufferLow() override { ++low; }

  event::EventLoop& loop_;
};

class TcpConnectionTest : public PoolFixture {
 protected:
  std::unique_ptr<FakeTcpUser> Connect(const Host& host) {
    auto user = std::make_unique<FakeTcpUser>(loop_);
    user->tcp = pools().ConnectTcp(host, RoutingPriority::kDefault, *user, user->refused);
    return user;
  }
  std::unique_ptr<FakeTcpUser> Connected() {
    auto user = Connect(*host_);
    EXPECT_TRUE(Until([&] { return user->connected == 1 && server_.Accepted() > 0; }));
    return user;
  }

  FakeServer server_;
  std::shared_ptr<const Host> host_ = MakeHost(server_.address());
};

TEST_F(TcpConnectionTest, BytesGoBothWaysAndAreCounted) {
  auto user = Connect(*host_);
  EXPECT_EQ(user->connected, 0) << "it is told from the loop";
  EXPECT_EQ(Stat("upstream_rq_pending_active"), 1);
  ASSERT_TRUE(Until([&] { return user->connected == 1 && server_.Accepted() == 1; }));
  EXPECT_EQ(Stat("upstream_rq_pending_active"), 0);
  EXPECT_EQ(Stat("upstream_rq_pending_total"), 1);
  EXPECT_EQ(Stat("upstream_cx_active"), 1);
  EXPECT_EQ(Stat("upstream_rq_active"), 1);
  EXPECT_EQ(host_->active_requests(1), 1u);
  user->Write("ping");
  ASSERT_TRUE(Until([&] { return server_.Received(0) == "ping"; }));
  server_.Send(0, "pong!");
  ASSERT_TRUE(Until([&] { return user->received == "pong!"; }));
  user->Drop();
  ASSERT_TRUE(Until([&] { return server_.SawEnd(0); }));
  EXPECT_EQ(Stat("upstream_cx_tx_bytes_total"), 4);
  EXPECT_EQ(Stat("upstream_cx_rx_bytes_total"), 5);
  EXPECT_EQ(Stat("upstream_cx_total"), 1);
  EXPECT_EQ(Stat("upstream_cx_active"), 0);
  EXPECT_EQ(Stat("upstream_rq_total"), 1);
  EXPECT_EQ(Stat("upstream_cx_destroy_local_with_active_rq"), 1);
  EXPECT_EQ(host_->TotalStats().cx_active, 0u);
  EXPECT_EQ(host_->active_requests(1), 0u);
  EXPECT_TRUE(pools().empty());
}

TEST_F(TcpConnectionTest, EitherSideMayEndWhileTheOtherGoesOn) {
  auto user = Connected();
  user->Write("the whole question");
  user->tcp->connection().ShutdownWriteAfterFlush();
  ASSERT_TRUE(Until([&] { return server_.SawEnd(0); }));
  EXPECT_EQ(server_.Received(0), "the whole question");
  server_.Send(0, "the answer");
  server_.Close(0);
  ASSERT_TRUE(Until([&] { return user->ended; }));
  EXPECT_EQ(user->received, "the answer");
  user->Drop();
  EXPECT_EQ(Stat("upstream_cx_destroy_remote"), 1);
}

TEST_F(TcpConnectionTest, WhatIsToBeFlushedIsWrittenBeforeTheEnd) {
  auto user = Connected();
  user->Write("last words");
  user->tcp->connection().CloseAfterFlush(Duration::zero());
  ASSERT_TRUE(Until([&] { return user->closed.has_value(); }));
  EXPECT_EQ(*user->closed, net::CloseReason::kLinger);
  ASSERT_TRUE(Until([&] { return server_.SawEnd(0); }));
  EXPECT_EQ(server_.Received(0), "last words");
  EXPECT_EQ(Stat("upstream_cx_active"), 0);
}

TEST_F(TcpConnectionTest, AResetByTheHostIsTold) {
  auto user = Connected();
  server_.Abort(0);
  ASSERT_TRUE(Until([&] { return user->closed.has_value(); }));
  EXPECT_EQ(*user->closed, net::CloseReason::kRemoteReset);
  EXPECT_EQ(Stat("upstream_cx_destroy_remote_with_active_rq"), 1);
}

TEST_F(TcpConnectionTest, ARefusedConnectIsTold) {
  auto nobody = std::make_unique<FakeServer>();
  const auto host = MakeHost(nobody->address());
  nobody.reset();
  auto user = Connect(*host);
  ASSERT_NE(user->tcp, nullptr);
  ASSERT_TRUE(Until([&] { return user->failure.has_value(); }));
  EXPECT_EQ(*user->failure, PoolFailure::kConnectFailure);
  EXPECT_EQ(user->failure_details, "delayed connect error: Connection refused");
  EXPECT_EQ(Stat("upstream_cx_connect_fail"), 1);
  EXPECT_EQ(Stat("upstream_rq_pending_failure_eject"), 1);
  EXPECT_EQ(host->TotalStats().cx_connect_fail, 1u);
}

TEST_F(TcpConnectionTest, AConnectThatTakesTooLongIsTold) {
  FakeServer stuck(0);
  const auto host = MakeHost(stuck.address());
  config_->connect_timeout = milliseconds(250);
  std::vector<std::unique_ptr<FakeTcpUser>> users;
  for (int i = 0; i < 8; ++i) users.push_back(Connect(*host));
  Advance(milliseconds(249));
  int connected = 0;
  for (const auto& user : users) connected += user->connected;
  ASSERT_LT(connected, 8);
  Advance(milliseconds(2));
  for (const auto& user : users) {
    EXPECT_TRUE(user->connected == 1 || user->failure == PoolFailure::kConnectTimeout);
  }
  EXPECT_EQ(Stat("upstream_cx_connect_timeout"), 8 - connected);
}

TEST_F(TcpConnectionTest, ASocketThatCannotBeBoundIsNotToBeHad) {
  config_->bind.Own().emplace();
  config_->bind.Own()->source_address = *net::Address::FromIp("192.0.2.1", 0);
  auto user = Connect(*host_);
  EXPECT_EQ(user->tcp, nullptr);
  EXPECT_EQ(user->refused, PoolFailure::kConnectFailure);
  EXPECT_FALSE(user->failure.has_value()) << "the caller knows already";
  EXPECT_EQ(Stat("upstream_cx_connect_fail"), 1);
}

TEST_F(TcpConnectionTest, TheLimitsOfTheClusterHold) {
  config_->circuit_breakers[0].max_connections = 1;
  auto first = Connected();
  auto second = Connect(*host_);
  EXPECT_EQ(second->tcp, nullptr);
  EXPECT_EQ(second->refused, PoolFailure::kOverflow);
  EXPECT_EQ(Stat("upstream_cx_overflow"), 1);
  EXPECT_EQ(Stat("circuit_breakers.default.cx_open"), 1);
  first->Drop();
  EXPECT_EQ(Stat("circuit_breakers.default.cx_open"), 0);
  EXPECT_NE(Connect(*host_)->tcp, nullptr);
}

TEST_F(TcpConnectionTest, ThoseThatConnectWaitWithinTheLimitOfWaitingRequests) {
  config_->circuit_breakers[0].max_pending_requests = 1;
  auto first = Connect(*host_);
  auto second = Connect(*host_);
  EXPECT_EQ(second->refused, PoolFailure::kOverflow);
  EXPECT_EQ(Stat("upstream_rq_pending_overflow"), 1);
  ASSERT_TRUE(Until([&] { return first->connected == 1; }));
  EXPECT_NE(Connect(*host_)->tcp, nullptr);
}

TEST_F(TcpConnectionTest, GivingUpWhileConnectingIsACancelledRequest) {
  auto user = Connect(*host_);
  user->Drop();
  Settle();
  EXPECT_EQ(user->connected, 0);
  EXPECT_EQ(Stat("upstream_rq_cancelled"), 1);
  EXPECT_EQ(Stat("upstream_cx_connect_fail"), 0);
}

TEST_F(TcpConnectionTest, AHostThatDoesNotReadHoldsTheUserBack) {
  config_->per_connection_buffer_limit_bytes = 65536;
  auto user = Connected();
  for (int i = 0; i < 64 && user->high == 0; ++i) {
    user->Write(std::string(1 << 20, 'x'));
    Settle();
  }
  EXPECT_EQ(user->high, 1);
  EXPECT_EQ(Stat("upstream_flow_control_backed_up_total"), 1);
  EXPECT_GT(Stat("upstream_cx_tx_bytes_buffered"), 0);
  ASSERT_TRUE(Until([&] {
    server_.Received(0);
    return user->low == 1;
  }));
  EXPECT_EQ(Stat("upstream_flow_control_drained_total"), 1);
}

TEST_F(TcpConnectionTest, ConnectionsOutliveTheirHostsMembershipButNotTheCluster) {
  auto open = Connected();
  pools().OnHostRemoved(*host_);
  pools().Drain();
  Settle();
  EXPECT_FALSE(open->closed.has_value());
  auto connecting = Connect(*host_);
  pools().CloseAll();
  EXPECT_EQ(open->closed, net::CloseReason::kLocal);
  EXPECT_EQ(connecting->failure, PoolFailure::kTermination);
  EXPECT_EQ(Connect(*host_)->refused, PoolFailure::kTermination);
  EXPECT_TRUE(pools().empty());
}

}  // namespace
}  // namespace nuncio::upstream
