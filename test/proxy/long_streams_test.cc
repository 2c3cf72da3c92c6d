// Streams and tunnels on which nothing is said for an hour, past the idle time of the connections that carry them.
#include <memory>
#include <string>

#include "test/grpc/grpc_fixture.h"
#include "test/proxy/manager_fixture.h"

namespace nuncio::proxy {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class LongStreamsTest : public ManagerFixture {
 protected:
  LongStreamsTest() {
    config_->idle_timeout = milliseconds(200);
    config_->stream_idle_timeout = Duration::zero();
    config_->upgrades.push_back({.type = "websocket"});
    cluster_->http.idle_timeout = milliseconds(200);
    SetRoutes("[{match: {prefix: /}, route: {cluster: backend, timeout: 0s}}]");
  }
  // Time passes in few large steps and in many small ones, as timers of either kind would meet it.
  void HourOfSilence() {
    for (int i = 0; i < 4; ++i) Advance(std::chrono::minutes(14));
    for (int i = 0; i < 600; ++i) Advance(milliseconds(400));
  }
};

class LongHttp2Test : public LongStreamsTest {
 protected:
  LongHttp2Test() {
    cluster_->protocol = upstream::UpstreamProtocol::kHttp2;
    PutCluster({server_.address()});
  }
  void Pump() override { server_.Pump(); }

  grpc::GrpcServer server_;
};

TEST_F(LongHttp2Test, AStreamThatIsSilentForHoursStillCarriesMessages) {
  auto client = Connect();
  client->BeginHttp2();
  const http::h2::Fields call = http::h2::Request("POST", "/test.Peer/Echo", {{"content-type", "application/grpc"}});
  client->Send(http::h2::Headers(1, call, http::h2::kEndHeaders));
  ASSERT_TRUE(Until([&] { return server_.connections() == 1 && server_.peer().requests.contains(1); }));
  server_.peer().Respond(1, {{":status", "200"}, {"content-type", "application/grpc"}}, false);
  std::string sent, answered;
  for (int hour = 0; hour < 3; ++hour) {
    HourOfSilence();
    ASSERT_FALSE(client->SawEnd());
    client->Send(http::h2::Data(1, StrCat("to ", hour, " ")));
    sent += StrCat("to ", hour, " ");
    ASSERT_TRUE(Until([&] { return server_.peer().requests[1].body == sent; }));
    server_.peer().Body(1, StrCat("fro ", hour, " "), false);
    answered += StrCat("fro ", hour, " ");
    ASSERT_TRUE(Until([&] { return client->Body(1) == answered; }));
  }
  EXPECT_EQ(Stat("http.test.downstream_cx_idle_timeout"), 0);
  EXPECT_EQ(Stat("cluster.backend.upstream_cx_idle_timeout"), 0);
  // And the limit is in force: with the stream's end both connections go.
  client->Send(http::h2::Data(1, "", http::h2::kEndStream));
  server_.peer().Body(1, "", true);
  ASSERT_TRUE(Until([&] { return Stat("http.test.downstream_rq_active") == 0; }));
  Advance(milliseconds(200));
  EXPECT_EQ(Stat("http.test.downstream_cx_idle_timeout"), 1);
  EXPECT_EQ(Stat("cluster.backend.upstream_cx_idle_timeout"), 1);
  EXPECT_TRUE(client->SawEnd());
}

TEST_F(LongHttp2Test, NorDoesASilentRequestEnd) {
  // No byte of an answer for an hour, and the request's end after it.
  auto client = Connect();
  client->BeginHttp2();
  client->Send(http::h2::Headers(1, http::h2::Request("POST", "/upload"), http::h2::kEndHeaders));
  HourOfSilence();
  client->Send(http::h2::Data(1, "late", http::h2::kEndStream));
  ASSERT_TRUE(Until([&] { return server_.peer().requests[1].ended; }));
  HourOfSilence();
  server_.peer().Respond(1, {{":status", "204"}}, true);
  ASSERT_TRUE(Until([&] { return client->Find(NGHTTP2_HEADERS, 1) != nullptr; }));
  EXPECT_EQ(client->Find(NGHTTP2_HEADERS, 1)->Field(":status"), "204");
}

class LongTunnelTest : public LongStreamsTest {
 protected:
  LongTunnelTest() { PutCluster({host_.address()}); }

  upstream::FakeServer host_;
};

TEST_F(LongTunnelTest, AWebSocketThatIsSilentForHoursStillCarriesMessages) {
  auto client = Connect();
  client->Send("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
               "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  ASSERT_TRUE(Until([&] { return host_.Accepted() == 1 && host_.Received(0).ends_with("\r\n\r\n"); }));
  host_.Send(0, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  ASSERT_TRUE(Until([&] { return client->Received().ends_with("\r\n\r\n"); }));
  for (int hour = 0; hour < 3; ++hour) {
    HourOfSilence();
    ASSERT_FALSE(client->SawEnd());
    ASSERT_FALSE(host_.SawEnd(0));
    client->Send(StrCat("to ", hour));
    ASSERT_TRUE(Until([&] { return host_.Received(0).ends_with(StrCat("to ", hour)); }));
    host_.Send(0, StrCat("fro ", hour));
    ASSERT_TRUE(Until([&] { return client->Received().ends_with(StrCat("fro ", hour)); }));
  }
  EXPECT_EQ(Stat("http.test.downstream_cx_idle_timeout"), 0);
  EXPECT_EQ(Stat("cluster.backend.upstream_cx_idle_timeout"), 0);
}

TEST_F(LongTunnelTest, OneHalfMayBeSilentBehindTheEndOfTheOther) {
  auto client = Connect();
  client->Send("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  ASSERT_TRUE(Until([&] { return host_.Accepted() == 1 && host_.Received(0).ends_with("\r\n\r\n"); }));
  host_.Send(0, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  ASSERT_TRUE(Until([&] { return client->Received().ends_with("\r\n\r\n"); }));
  client->End();
  ASSERT_TRUE(Until([&] { return host_.SawEnd(0); }));
  HourOfSilence();
  host_.Send(0, "a last word");
  EXPECT_TRUE(Until([&] { return client->Received().ends_with("a last word"); }));
}

}  // namespace
}  // namespace nuncio::proxy
