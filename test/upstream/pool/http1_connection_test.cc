#include <sys/socket.h>

#include <algorithm>
#include <string>

#include "gtest/gtest.h"
#include "test/upstream/pool/http1_pool_fixture.h"

namespace nuncio::upstream {
namespace {

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
