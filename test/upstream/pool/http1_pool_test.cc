#include <sys/socket.h>

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "test/upstream/pool/pool_fixture.h"

namespace nuncio::upstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

class Http1PoolTest : public PoolFixture {
 protected:
  // A request that has its stream, and the server has it whole. `connection`: the server's number of it.
  std::unique_ptr<FakeRequest> Begin(size_t connection, bool fresh = false) {
    auto request = Ask(*host_, fresh);
    EXPECT_TRUE(Until([&] { return Requests(connection) > begun_[connection]; }));
    begun_[connection] = Requests(connection);
    return request;
  }
  size_t Requests(size_t connection) {
    if (server_.Accepted() <= connection) return 0;
    const std::string& received = server_.Received(connection);
    size_t count = 0;
    for (size_t at = 0; (at = received.find("\r\n\r\n", at)) != std::string::npos; at += 4) ++count;
    return count;
  }
  void Answer(FakeRequest& request, size_t connection) {
    server_.Send(connection, kOk);
    EXPECT_TRUE(Until([&] { return request.complete; }));
    EXPECT_EQ(request.body, "ok");
  }

  FakeServer server_;
  std::shared_ptr<const Host> host_ = MakeHost(server_.address());
  size_t begun_[16] = {};
};

TEST_F(Http1PoolTest, OneRequestAfterAnotherUsesOneConnection) {
  auto first = Begin(0);
  EXPECT_FALSE(first->connection.reused);
  EXPECT_EQ(first->connection.host, host_.get());
  EXPECT_EQ(first->connection.protocol, http::Protocol::kHttp11);
  EXPECT_EQ(first->connection.local.IpText(), "127.0.0.1");
  EXPECT_EQ(Stat("upstream_rq_active"), 1);
  EXPECT_EQ(host_->active_requests(1), 1u);
  Answer(*first, 0);
  EXPECT_EQ(Stat("upstream_rq_active"), 0);

  auto second = Ask(*host_);
  EXPECT_TRUE(second->got_stream) << "an idle connection is given at once";
  EXPECT_TRUE(second->connection.reused);
  EXPECT_EQ(second->connection.connection_id, first->connection.connection_id);
  ASSERT_TRUE(Until([&] { return Requests(0) == 2; }));
  Answer(*second, 0);

  EXPECT_EQ(server_.Accepted(), 1u);
  EXPECT_EQ(Stat("upstream_cx_total"), 1);
  EXPECT_EQ(Stat("upstream_cx_http1_total"), 1);
  EXPECT_EQ(Stat("upstream_rq_pending_total"), 1);
  EXPECT_EQ(Stat("upstream_cx_active"), 1);
  EXPECT_EQ(Stat("upstream_cx_rx_bytes_total"), static_cast<int64_t>(2 * kOk.size()));
  EXPECT_EQ(Stat("upstream_cx_tx_bytes_total"), static_cast<int64_t>(server_.Received(0).size()));
  EXPECT_EQ(host_->TotalStats().rq_total, 2u);
  EXPECT_EQ(host_->TotalStats().cx_total, 1u);
}

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

TEST_F(Http1PoolTest, BytesWhileIdleCloseTheConnectionAndReachNobody) {
  auto first = Begin(0);
  Answer(*first, 0);
  server_.Send(0, "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged");
  ASSERT_TRUE(Until([&] { return server_.SawEnd(0); }));
  EXPECT_EQ(Stat("http1.unexpected_bytes_while_idle"), 1);
  auto second = Begin(1);
  Answer(*second, 1);
}

TEST_F(Http1PoolTest, BytesBehindAnAnswerCloseTheConnection) {
  auto first = Begin(0);
  server_.Send(0, std::string(kOk) + "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged");
  ASSERT_TRUE(Until([&] { return first->complete && server_.SawEnd(0); }));
  EXPECT_EQ(first->body, "ok");
  EXPECT_EQ(Stat("upstream_cx_protocol_error"), 1);
  auto second = Begin(1);
  Answer(*second, 1);
}

TEST_F(Http1PoolTest, TheEndWhileIdleClosesTheConnection) {
  auto first = Begin(0);
  Answer(*first, 0);
  server_.Close(0);
  ASSERT_TRUE(Until([&] { return Stat("upstream_cx_active") == 0; }));
  EXPECT_EQ(Stat("upstream_cx_destroy_remote"), 1);
  EXPECT_EQ(Stat("upstream_cx_destroy_remote_with_active_rq"), 0);
  EXPECT_EQ(Stat("http1.unexpected_bytes_while_idle"), 0);
  auto second = Begin(1);
  EXPECT_FALSE(second->connection.reused);
}

TEST_F(Http1PoolTest, AnAnswerTogetherWithTheEndIsDeliveredAndTheConnectionNotUsedAgain) {
  auto first = Begin(0);
  auto second = NewRequest();
  server_.Send(0, kOk);
  server_.Close(0);
  ASSERT_TRUE(Until([&] { return first->complete; }));
  Ask(*second, *host_);
  ASSERT_TRUE(Until([&] { return second->got_stream && server_.Accepted() == 2; }));
  EXPECT_FALSE(second->connection.reused);
}

TEST_F(Http1PoolTest, ARequestThatDiesOnAReusedConnectionIsToldSo) {
  auto first = Begin(0);
  Answer(*first, 0);
  auto second = Begin(0);
  server_.Close(0);
  ASSERT_TRUE(Until([&] { return second->reset; }));
  EXPECT_EQ(second->reset_kind, http::StreamReset::kConnectionClosed);
  EXPECT_TRUE(second->connection.reused);
  EXPECT_EQ(second->status, 0u);
  EXPECT_EQ(Stat("upstream_cx_destroy_remote_with_active_rq"), 1);
  EXPECT_EQ(Stat("upstream_cx_destroy_with_active_rq"), 1);
}

TEST_F(Http1PoolTest, ALateAnswerToAnAbandonedRequestReachesNobody) {
  auto first = Begin(0);
  first->Abandon();
  auto second = Ask(*host_);
  server_.Send(0, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate");
  ASSERT_TRUE(Until([&] { return Requests(1) == 1; }));
  EXPECT_TRUE(server_.SawEnd(0));
  EXPECT_EQ(second->body, "");
  Answer(*second, 1);
  EXPECT_NE(second->connection.connection_id, first->connection.connection_id);
  EXPECT_EQ(Stat("upstream_cx_destroy_local"), 1);
}

TEST_F(Http1PoolTest, AnEarlyAnswerIsDeliveredAndTheConnectionClosed) {
  auto request = NewRequest();
  request->post_length = 100;
  Ask(*request, *host_);
  ASSERT_TRUE(Until([&] { return Requests(0) == 1; }));
  server_.Send(0, kOk);
  ASSERT_TRUE(Until([&] { return server_.SawEnd(0); }));
  EXPECT_TRUE(request->complete);
  EXPECT_EQ(Stat("http1.early_response_closed"), 1);
  EXPECT_EQ(Stat("upstream_cx_protocol_error"), 0);
}

TEST_F(Http1PoolTest, AnAnswerSentRightBeforeAResetIsDelivered) {
  auto request = NewRequest();
  request->post_length = 64 << 20;
  Ask(*request, *host_);
  ASSERT_TRUE(Until([&] { return Requests(0) == 1; }));
  // The server has bytes unread when it closes, so that the kernel sends a RST behind the answer; meanwhile the request
  // goes on being written.
  buffer::Buffer body(slices_);
  body.Append(std::string(1 << 20, 'x'));
  request->sender->SendData(body, false);
  Settle();
  server_.Send(0, "HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig");
  server_.Close(0);
  body.Append(std::string(1 << 20, 'x'));
  request->sender->SendData(body, false);
  ASSERT_TRUE(Until([&] { return request->complete || request->reset; }));
  EXPECT_TRUE(request->complete);
  EXPECT_EQ(request->status, 413u);
  EXPECT_EQ(request->body, "big");
  EXPECT_TRUE(Until([&] { return Stat("upstream_cx_active") == 0; }));
}

TEST_F(Http1PoolTest, AnAnswerThatEndsWithTheConnectionIsNoFailure) {
  auto request = Begin(0);
  server_.Send(0, "HTTP/1.1 200 OK\r\n\r\nall there is");
  server_.Close(0);
  ASSERT_TRUE(Until([&] { return request->complete; }));
  EXPECT_EQ(request->body, "all there is");
  EXPECT_TRUE(Until([&] { return Stat("upstream_cx_active") == 0; }));
  EXPECT_EQ(Stat("upstream_cx_destroy_remote_with_active_rq"), 0);
}

TEST_F(Http1PoolTest, AHostThatWantsToCloseIsObeyed) {
  auto request = Begin(0);
  server_.Send(0, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  ASSERT_TRUE(Until([&] { return server_.SawEnd(0); }));
  EXPECT_TRUE(request->complete);
  EXPECT_EQ(Stat("upstream_cx_close_notify"), 1);
  EXPECT_EQ(Stat("upstream_cx_protocol_error"), 0);
}

TEST_F(Http1PoolTest, AMalformedAnswerClosesAndCounts) {
  auto request = Begin(0);
  server_.Send(0, "HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\n");
  ASSERT_TRUE(Until([&] { return request->reset; }));
  EXPECT_EQ(request->reset_kind, http::StreamReset::kProtocolError);
  EXPECT_EQ(Stat("upstream_cx_protocol_error"), 1);
  EXPECT_EQ(Stat("http1.response_framing_error"), 1);
  EXPECT_EQ(Stat("upstream_cx_destroy_local_with_active_rq"), 1);
  EXPECT_TRUE(Until([&] { return server_.SawEnd(0); }));
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

TEST_F(Http1PoolTest, ARefusedConnectFailsTheRequest) {
  auto nobody = std::make_unique<FakeServer>();
  const auto host = MakeHost(nobody->address());
  nobody.reset();
  auto request = Ask(*host);
  ASSERT_TRUE(Until([&] { return request->failed; }));
  EXPECT_EQ(request->failure, PoolFailure::kConnectFailure);
  EXPECT_EQ(request->failure_details, "delayed connect error: Connection refused");
  EXPECT_EQ(Stat("upstream_cx_connect_fail"), 1);
  EXPECT_EQ(Stat("upstream_rq_pending_failure_eject"), 1);
  EXPECT_EQ(Stat("upstream_cx_active"), 0);
  EXPECT_EQ(host->TotalStats().cx_connect_fail, 1u);
}

TEST_F(Http1PoolTest, ARequestThatComesBackFromAFailureIsNotFailedWithTheRest) {
  auto nobody = std::make_unique<FakeServer>();
  const auto host = MakeHost(nobody->address());
  nobody.reset();
  auto retry = NewRequest();
  auto request = NewRequest();
  request->ask_on_failure = retry.get();
  request->fixture = this;
  Ask(*request, *host);
  host->MoveTo(server_.address());
  ASSERT_TRUE(Until([&] { return retry->got_stream || retry->failed; }));
  EXPECT_TRUE(request->failed);
  EXPECT_TRUE(retry->got_stream);
}

TEST_F(Http1PoolTest, AFailedConnectFailsOnlyWhatOthersWillNotServe) {
  auto nobody = std::make_unique<FakeServer>();
  const auto host = MakeHost(nobody->address());
  nobody.reset();
  auto first = Ask(*host);
  host->MoveTo(server_.address());
  auto second = Ask(*host);
  ASSERT_TRUE(Until([&] { return second->got_stream || second->failed; }));
  EXPECT_TRUE(first->failed) << "the one that waited longest, of two for one connection";
  EXPECT_TRUE(second->got_stream);
}

TEST_F(Http1PoolTest, AConnectThatTakesTooLongFails) {
  // A queue that is full drops what comes.
  FakeServer stuck(0);
  const auto host = MakeHost(stuck.address());
  config_->connect_timeout = milliseconds(250);
  config_->circuit_breakers[0].max_connections = 100;
  std::vector<std::unique_ptr<FakeRequest>> fill;
  size_t ready = 0;
  for (int i = 0; i < 8; ++i) fill.push_back(Ask(*host));
  Advance(milliseconds(249));
  EXPECT_EQ(Stat("upstream_cx_connect_timeout"), 0);
  for (const auto& request : fill) ready += request->got_stream ? 1 : 0;
  ASSERT_LT(ready, fill.size());
  Advance(milliseconds(2));
  ASSERT_TRUE(Until([&] { return Stat("upstream_cx_connect_timeout") == static_cast<int64_t>(fill.size() - ready); }));
  EXPECT_EQ(Stat("upstream_cx_connect_fail"), static_cast<int64_t>(fill.size() - ready));
  for (const auto& request : fill) {
    EXPECT_TRUE(request->got_stream || request->failure == PoolFailure::kConnectTimeout);
  }
}

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

TEST_F(Http1PoolTest, AFreshConnectionIsNeverAReusedOne) {
  auto first = Begin(0);
  Answer(*first, 0);
  auto fresh = Begin(1, true);
  EXPECT_FALSE(fresh->connection.reused);
  EXPECT_NE(fresh->connection.connection_id, first->connection.connection_id);
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

TEST_F(Http1PoolTest, DrainingEndsWithTheLastRequestAndSaysSo) {
  struct Listener {
    void OnEmpty() { empty = true; }
    bool empty = false;
  } listener;
  auto connecting = Ask(*host_);
  connecting->pending.Cancel();
  auto other = MakeHost(server_.address());
  auto busy = Ask(*other);
  ASSERT_TRUE(Until([&] { return busy->got_stream && server_.Accepted() == 2; }));
  pools().Drain();
  pools().NotifyWhenEmpty(Delegate<void()>::Bind<&Listener::OnEmpty>(&listener));
  Settle();
  EXPECT_FALSE(listener.empty);
  busy->Abandon();
  ASSERT_TRUE(Until([&] { return listener.empty; }));
  EXPECT_TRUE(pools().empty());
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

TEST_F(Http1PoolTest, ConnectionsComeFromTheConfiguredAddress) {
  config_->bind.emplace();
  config_->bind->source_address = *net::Address::FromIp("127.0.0.2", 0);
  auto request = Begin(0);
  EXPECT_EQ(request->connection.local.IpText(), "127.0.0.2");
}

TEST_F(Http1PoolTest, AnAddressThatCannotBeBoundFailsTheRequestAtOnce) {
  config_->bind.emplace();
  config_->bind->source_address = *net::Address::FromIp("192.0.2.1", 0);
  auto request = Ask(*host_);
  EXPECT_TRUE(request->failed);
  EXPECT_EQ(request->failure, PoolFailure::kConnectFailure);
  EXPECT_EQ(request->failure_details, "immediate connect error: Cannot assign requested address");
  EXPECT_EQ(Stat("upstream_cx_connect_fail"), 1);
}

TEST_F(Http1PoolTest, APausedReaderHoldsTheHostBack) {
  auto request = Begin(0);
  server_.Send(0, "HTTP/1.1 200 OK\r\ncontent-length: 8000000\r\n\r\n");
  ASSERT_TRUE(Until([&] { return request->status == 200; }));
  request->sender->PauseReading(true);
  EXPECT_EQ(Stat("upstream_flow_control_paused_reading_total"), 1);
  const std::string chunk(1 << 20, 'x');
  size_t sent = 0;
  for (int turn = 0; turn < 200; ++turn) {
    const ssize_t n = send(server_.fd(0), chunk.data(), std::min(chunk.size(), 8000000 - sent), MSG_NOSIGNAL);
    if (n > 0) sent += static_cast<size_t>(n);
    loop_.RunOnce();
  }
  EXPECT_LT(sent, 8000000u);
  const size_t before = request->body.size();
  Settle();
  EXPECT_EQ(request->body.size(), before);
  request->sender->PauseReading(false);
  EXPECT_EQ(Stat("upstream_flow_control_resumed_reading_total"), 1);
  ASSERT_TRUE(Until([&] {
    const ssize_t n = send(server_.fd(0), chunk.data(), std::min(chunk.size(), 8000000 - sent), MSG_NOSIGNAL);
    if (n > 0) sent += static_cast<size_t>(n);
    return request->complete;
  }));
  EXPECT_EQ(request->body.size(), 8000000u);
}

TEST_F(Http1PoolTest, AHostThatDoesNotReadHoldsTheSenderBack) {
  config_->per_connection_buffer_limit_bytes = 65536;
  auto request = NewRequest();
  request->post_length = 64 << 20;
  Ask(*request, *host_);
  ASSERT_TRUE(Until([&] { return Requests(0) == 1; }));
  buffer::Buffer body(slices_);
  for (int i = 0; i < 64 && request->high == 0; ++i) {
    body.Append(std::string(1 << 20, 'x'));
    request->sender->SendData(body, false);
    Settle();
  }
  EXPECT_EQ(request->high, 1);
  EXPECT_EQ(Stat("upstream_flow_control_backed_up_total"), 1);
  EXPECT_GT(Stat("upstream_cx_tx_bytes_buffered"), 0);
  EXPECT_EQ(request->low, 0);
  ASSERT_TRUE(Until([&] {
    server_.Received(0);
    return request->low == 1;
  }));
  EXPECT_EQ(Stat("upstream_flow_control_drained_total"), 1);
}

}  // namespace
}  // namespace nuncio::upstream
