#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/http/h2/server_peer.h"
#include "test/upstream/pool/pool_fixture.h"

namespace nuncio::upstream {
namespace {

using http::h2::ServerPeer;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Http2PoolTest : public PoolFixture {
 protected:
  Http2PoolTest() { config_->protocol = UpstreamProtocol::kHttp2; }

  // Lets every server but those that are mute take what came and send what it wants to.
  void Pump() {
    for (size_t i = 0; i < server_.Accepted(); ++i) {
      if (mute_) continue;
      Peer& peer = peers_[i];
      if (peer.session == nullptr) peer.session = std::make_unique<ServerPeer>(options_);
      const std::string& received = server_.Received(i);
      if (received.size() > peer.fed) {
        peer.session->Feed(std::string_view(received).substr(peer.fed));
        peer.fed = received.size();
      }
      const std::string out = peer.session->Take();
      if (!out.empty() && !peer.closed) server_.Send(i, out);
    }
  }
  template <typename Done>
  bool Eventually(Done&& done) {
    return Until([&] {
      Pump();
      return done();
    });
  }
  void PumpAll() {
    for (int i = 0; i < 50; ++i) {
      Pump();
      loop_.RunOnce();
    }
  }
  ServerPeer& Server(size_t connection) { return *peers_[connection].session; }
  size_t Streams(size_t connection) {
    return peers_[connection].session == nullptr ? 0 : Server(connection).requests.size();
  }
  void Answer(size_t connection, int32_t stream) {
    Server(connection).Respond(stream, {{":status", "200"}}, true);
  }
  // A request whose head the server has.
  std::unique_ptr<FakeRequest> Begin(size_t connection, bool fresh = false) {
    const size_t before = Streams(connection);
    auto request = Ask(*host_, fresh);
    EXPECT_TRUE(Eventually([&] { return Streams(connection) == before + 1; }));
    return request;
  }

  struct Peer {
    std::unique_ptr<ServerPeer> session;
    size_t fed = 0;
    bool closed = false;
  };
  FakeServer server_;
  ServerPeer::Options options_;
  bool mute_ = false;
  std::map<size_t, Peer> peers_;
  std::shared_ptr<const Host> host_ = MakeHost(server_.address());
};

TEST_F(Http2PoolTest, RequestsShareOneConnection) {
  auto first = Ask(*host_);
  auto second = Ask(*host_);
  ASSERT_TRUE(Eventually([&] { return Streams(0) == 2; }));
  auto third = Ask(*host_);
  EXPECT_TRUE(third->got_stream) << "a connection that has room is given at once";
  ASSERT_TRUE(Eventually([&] { return Streams(0) == 3; }));
  EXPECT_EQ(first->connection.protocol, http::Protocol::kHttp2);
  EXPECT_FALSE(first->connection.reused);
  EXPECT_FALSE(third->connection.reused) << "it was not idle";
  EXPECT_EQ(Stat("upstream_rq_active"), 3);
  EXPECT_EQ(Stat("http2.streams_active"), 3);
  Answer(0, 3);
  Answer(0, 1);
  Answer(0, 5);
  ASSERT_TRUE(Eventually([&] { return first->complete && second->complete && third->complete; }));
  PumpAll();
  EXPECT_EQ(Stat("upstream_rq_active"), 0);
  EXPECT_EQ(Stat("http2.streams_active"), 0);
  EXPECT_EQ(Stat("upstream_cx_http2_total"), 1);
  auto fourth = Begin(0);
  EXPECT_TRUE(fourth->connection.reused);
}

TEST_F(Http2PoolTest, OurLimitOfStreamsOpensAnotherConnection) {
  config_->http2.Own().max_concurrent_streams = 2;
  auto a = Begin(0);
  PumpAll();
  auto b = Ask(*host_);
  EXPECT_EQ(Stat("upstream_cx_total"), 1);
  auto c = Ask(*host_);
  EXPECT_EQ(Stat("upstream_cx_total"), 2);
  ASSERT_TRUE(Eventually([&] { return Streams(0) == 2 && Streams(1) == 1; }));
  EXPECT_EQ(c->connection.connection_id, a->connection.connection_id + 1);
  Answer(0, 1);
  ASSERT_TRUE(Eventually([&] { return a->complete; }));
  PumpAll();
  auto d = Ask(*host_);
  auto e = Ask(*host_);
  ASSERT_TRUE(Eventually([&] { return Streams(0) == 3 && Streams(1) == 2; }));
  EXPECT_EQ(Stat("upstream_cx_total"), 2);
}

TEST_F(Http2PoolTest, TheServersLimitHoldsOnceItIsKnown) {
  options_.max_concurrent_streams = 1;
  config_->circuit_breakers[0].max_connections = 1;
  auto first = Begin(0);
  PumpAll();
  auto second = Ask(*host_);
  EXPECT_FALSE(second->got_stream);
  EXPECT_EQ(Stat("upstream_cx_overflow"), 1);
  Answer(0, 1);
  ASSERT_TRUE(Eventually([&] { return second->got_stream; }));
  EXPECT_TRUE(first->complete);
  EXPECT_EQ(Stat("upstream_cx_total"), 1);
}

TEST_F(Http2PoolTest, NothingIsRefusedForWantOfKnowledge) {
  options_.max_concurrent_streams = 2;
  std::vector<std::unique_ptr<FakeRequest>> requests;
  for (int i = 0; i < 6; ++i) requests.push_back(Ask(*host_));
  EXPECT_EQ(Stat("upstream_cx_total"), 1) << "until the host has told, it is taken to allow many";
  ASSERT_TRUE(Eventually([&] { return Streams(0) == 2 && Streams(1) == 2 && Streams(2) == 2; }));
  EXPECT_EQ(Stat("upstream_cx_total"), 3);
  // Known now, so later connections begin with as many.
  for (int i = 0; i < 2; ++i) requests.push_back(Ask(*host_));
  ASSERT_TRUE(Eventually([&] { return Streams(3) == 2; }));
  for (const auto& each : requests) EXPECT_FALSE(each->reset);
  EXPECT_EQ(Stat("upstream_cx_total"), 4);
}

TEST_F(Http2PoolTest, WhoWaitsWhileAConnectionLearnsIsServedByAnotherWhenItEnds) {
  mute_ = true;
  auto first = Ask(*host_);
  ASSERT_TRUE(Until([&] { return first->got_stream && server_.Accepted() == 1; }));
  auto second = Ask(*host_);
  EXPECT_FALSE(second->got_stream);
  EXPECT_EQ(Stat("upstream_cx_total"), 1);
  server_.Abort(0);
  ASSERT_TRUE(Until([&] { return second->got_stream; }));
  EXPECT_TRUE(first->reset);
  EXPECT_EQ(Stat("upstream_cx_total"), 2);
}

TEST_F(Http2PoolTest, AfterGoawayNewRequestsGoElsewhereAndOldOnesFinish) {
  auto first = Begin(0);
  Server(0).GoAway(1);
  ASSERT_TRUE(Eventually([&] { return Stat("http2.goaway_received") == 1; }));
  EXPECT_EQ(Stat("upstream_cx_close_notify"), 1);
  auto second = Begin(1);
  EXPECT_FALSE(second->connection.reused);
  EXPECT_FALSE(first->reset);
  Answer(0, 1);
  ASSERT_TRUE(Eventually([&] { return server_.SawEnd(0); }));
  EXPECT_TRUE(first->complete);
  EXPECT_FALSE(second->reset);
  EXPECT_EQ(Stat("upstream_cx_active"), 1);
}

TEST_F(Http2PoolTest, GoawayWhileIdleClosesTheConnection) {
  auto first = Begin(0);
  Answer(0, 1);
  ASSERT_TRUE(Eventually([&] { return first->complete; }));
  Server(0).GoAway(1);
  ASSERT_TRUE(Eventually([&] { return server_.SawEnd(0); }));
  EXPECT_EQ(Stat("upstream_cx_active"), 0);
  // It was the server's right.
  EXPECT_EQ(Stat("upstream_cx_protocol_error"), 0);
}

TEST_F(Http2PoolTest, ARequestThatTheServerNeverSawIsToldSo) {
  auto first = Begin(0);
  auto second = Begin(0);
  Server(0).GoAway(1);
  ASSERT_TRUE(Eventually([&] { return second->reset; }));
  EXPECT_EQ(second->reset_kind, http::StreamReset::kRemoteRefused);
  EXPECT_FALSE(first->reset);
}

TEST_F(Http2PoolTest, TheEndOfTheConnectionResetsItsStreams) {
  auto first = Begin(0);
  auto second = Begin(0);
  server_.Close(0);
  peers_[0].closed = true;
  ASSERT_TRUE(Eventually([&] { return first->reset && second->reset; }));
  EXPECT_EQ(first->reset_kind, http::StreamReset::kConnectionClosed);
  EXPECT_EQ(Stat("upstream_cx_destroy_remote_with_active_rq"), 1);
}

TEST_F(Http2PoolTest, AnAbandonedStreamLeavesTheConnectionToTheOthers) {
  auto first = Begin(0);
  auto second = Begin(0);
  first->Abandon();
  ASSERT_TRUE(Eventually([&] { return Server(0).requests[1].reset; }));
  Answer(0, 3);
  ASSERT_TRUE(Eventually([&] { return second->complete; }));
  EXPECT_EQ(Stat("upstream_rq_active"), 0);
  EXPECT_EQ(Stat("upstream_cx_active"), 1);
}

TEST_F(Http2PoolTest, BrokenFramesCloseTheConnectionWithGoaway) {
  auto first = Begin(0);
  server_.Send(0, ServerPeer::Frame(NGHTTP2_DATA, 0, 0, "x"));
  ASSERT_TRUE(Eventually([&] { return server_.SawEnd(0); }));
  EXPECT_TRUE(first->reset);
  EXPECT_EQ(Server(0).goaways, 1);
  EXPECT_NE(Server(0).goaway_code, static_cast<uint32_t>(NGHTTP2_NO_ERROR));
  EXPECT_EQ(Stat("upstream_cx_protocol_error"), 1);
}

TEST_F(Http2PoolTest, AnIdleConnectionEndsPolitely) {
  config_->http.idle_timeout = seconds(10);
  auto first = Begin(0);
  Advance(seconds(11));
  EXPECT_EQ(Stat("upstream_cx_idle_timeout"), 0);
  Answer(0, 1);
  ASSERT_TRUE(Eventually([&] { return first->complete; }));
  PumpAll();
  Advance(seconds(11));
  ASSERT_TRUE(Eventually([&] { return server_.SawEnd(0); }));
  EXPECT_EQ(Stat("upstream_cx_idle_timeout"), 1);
  EXPECT_EQ(Server(0).goaways, 1);
  EXPECT_EQ(Server(0).goaway_code, static_cast<uint32_t>(NGHTTP2_NO_ERROR));
}

TEST_F(Http2PoolTest, AConnectionEndsWithItsLastAllowedRequest) {
  config_->http.max_requests_per_connection = 2;
  auto a = Begin(0);
  auto b = Begin(0);
  EXPECT_EQ(Stat("upstream_cx_max_requests"), 1);
  auto c = Begin(1);
  Answer(0, 1);
  Answer(0, 3);
  ASSERT_TRUE(Eventually([&] { return server_.SawEnd(0); }));
  EXPECT_TRUE(a->complete && b->complete);
  EXPECT_FALSE(c->reset);
}

TEST_F(Http2PoolTest, AFreshConnectionIsANewOne) {
  auto first = Begin(0);
  Answer(0, 1);
  ASSERT_TRUE(Eventually([&] { return first->complete; }));
  auto fresh = Begin(1, true);
  EXPECT_FALSE(fresh->connection.reused);
}

TEST_F(Http2PoolTest, AFreshConnectionThatCannotBeHadFailsTheRequest) {
  config_->circuit_breakers[0].max_connections = 1;
  auto first = Begin(0);
  auto fresh = Ask(*host_, true);
  EXPECT_TRUE(fresh->failed);
  EXPECT_EQ(fresh->failure, PoolFailure::kOverflow);
  EXPECT_FALSE(first->reset);
}

TEST_F(Http2PoolTest, AtTheLimitAFreshConnectionTakesThePlaceOfOneThatEnds) {
  config_->circuit_breakers[0].max_connections = 1;
  auto first = Begin(0);
  Server(0).GoAway(1);
  ASSERT_TRUE(Eventually([&] { return Stat("http2.goaway_received") == 1; }));
  auto fresh = Ask(*host_, true);
  PumpAll();
  EXPECT_FALSE(fresh->failed || fresh->got_stream);
  Answer(0, 1);
  ASSERT_TRUE(Eventually([&] { return Streams(1) == 1; }));
  EXPECT_TRUE(fresh->got_stream);
  EXPECT_FALSE(fresh->connection.reused);
}

TEST_F(Http2PoolTest, PingsKeepAConnectionAndTheirLossEndsIt) {
  config_->http2.Own().keepalive.emplace();
  config_->http2.Own().keepalive->interval = seconds(30);
  config_->http2.Own().keepalive->timeout = seconds(5);
  config_->http2.Own().keepalive->interval_jitter = 10;
  auto first = Begin(0);
  Advance(seconds(29));
  PumpAll();
  EXPECT_EQ(Server(0).pings.size(), 0u);
  Advance(seconds(5));
  ASSERT_TRUE(Eventually([&] { return Server(0).pings.size() == 1; }));
  PumpAll();
  Advance(seconds(10));
  EXPECT_FALSE(first->reset) << "the answer came";
  mute_ = true;
  Advance(seconds(30));
  Advance(seconds(4));
  EXPECT_FALSE(first->reset);
  Advance(seconds(2));
  ASSERT_TRUE(Until([&] { return first->reset; }));
  EXPECT_EQ(Stat("http2.keepalive_timeout"), 1);
  EXPECT_EQ(Stat("upstream_cx_destroy_local_with_active_rq"), 1);
}

TEST_F(Http2PoolTest, AHostThatTalksNeedNotAnswerAPing) {
  config_->http2.Own().keepalive.emplace();
  config_->http2.Own().keepalive->interval = seconds(30);
  config_->http2.Own().keepalive->timeout = seconds(5);
  auto first = Begin(0);
  PumpAll();
  mute_ = true;
  Advance(seconds(31));
  for (int i = 0; i < 5; ++i) {
    Advance(seconds(4));
    ASSERT_FALSE(first->reset) << i;
    server_.Send(0, ServerPeer::Frame(NGHTTP2_WINDOW_UPDATE, 0, 0, std::string_view("\0\0\0\1", 4)));
    Settle();
  }
  Advance(seconds(4));
  EXPECT_FALSE(first->reset);
  Advance(seconds(2));
  EXPECT_TRUE(first->reset);
  EXPECT_EQ(Stat("http2.keepalive_timeout"), 1);
}

TEST_F(Http2PoolTest, ARequestOnALongIdleConnectionTakesAPingWithIt) {
  config_->http2.Own().keepalive.emplace();
  config_->http2.Own().keepalive->connection_idle_interval = seconds(10);
  config_->http2.Own().keepalive->timeout = seconds(5);
  auto first = Begin(0);
  Answer(0, 1);
  ASSERT_TRUE(Eventually([&] { return first->complete; }));
  auto second = Begin(0);
  EXPECT_EQ(Server(0).pings.size(), 0u);
  Answer(0, 3);
  ASSERT_TRUE(Eventually([&] { return second->complete; }));
  Advance(seconds(11));
  mute_ = true;
  auto third = Ask(*host_);
  Advance(seconds(6));
  ASSERT_TRUE(Until([&] { return third->reset; }));
  EXPECT_EQ(Stat("http2.keepalive_timeout"), 1);
}

TEST_F(Http2PoolTest, TheLastBytesOfATunnelWaitNoLongerThanAConnectMay) {
  options_ = {.stream_window = 100, .credit = false};
  config_->connect_timeout = seconds(4);
  auto other = Begin(0);
  auto tunnel = NewRequest();
  tunnel->connect = true;
  Ask(*tunnel, *host_);
  ASSERT_TRUE(Eventually([&] { return Streams(0) == 2; }));
  Server(0).Respond(3, {{":status", "200"}}, false);
  Server(0).Body(3, "bye", true);
  http::RequestSender* sender = tunnel->sender;
  buffer::Buffer bytes(slices_);
  bytes.Append(std::string(1000, 'x'));
  ASSERT_TRUE(Eventually([&] { return tunnel->complete; }));
  sender->SendData(bytes, true);
  PumpAll();
  EXPECT_EQ(Stat("upstream_rq_active"), 2);
  Advance(seconds(5));
  PumpAll();
  EXPECT_FALSE(Server(0).requests[3].reset);
  Advance(seconds(5));
  ASSERT_TRUE(Eventually([&] { return Server(0).requests[3].reset; }));
  EXPECT_EQ(Stat("http2.tx_flush_timeout"), 1);
  EXPECT_EQ(Stat("upstream_rq_active"), 1);
  Answer(0, 1);
  ASSERT_TRUE(Eventually([&] { return other->complete; })) << "the connection serves the others";
}

TEST_F(Http2PoolTest, ARemovedHostIsServedToTheEnd) {
  auto first = Begin(0);
  auto second = Begin(0);
  pools().OnHostRemoved(*host_);
  Answer(0, 1);
  ASSERT_TRUE(Eventually([&] { return first->complete; }));
  PumpAll();
  EXPECT_FALSE(second->reset);
  Answer(0, 3);
  ASSERT_TRUE(Eventually([&] { return server_.SawEnd(0); }));
  EXPECT_TRUE(second->complete);
  EXPECT_TRUE(Eventually([&] { return pools().empty(); }));
}

TEST_F(Http2PoolTest, AnUnusedConnectionStillSaysHello) {
  auto first = Ask(*host_);
  first->pending.Cancel();
  ASSERT_TRUE(Eventually([&] { return server_.Accepted() == 1 && peers_[0].fed > 0; }));
  PumpAll();
  EXPECT_EQ(Server(0).settings_acks, 1);
}

TEST_F(Http2PoolTest, ClosingEndsEverythingAtOnce) {
  auto first = Begin(0);
  pools().CloseAll();
  EXPECT_TRUE(first->reset);
  EXPECT_TRUE(pools().empty());
}

}  // namespace
}  // namespace nuncio::upstream
