// Upgrades and CONNECT over HTTP/1, both roles: when a connection becomes opaque, what belongs to the tunnel, how its
// two directions end.

#include <string>

#include "gtest/gtest.h"
#include "test/http/h1/client_harness.h"
#include "test/http/h1/server_harness.h"

namespace nuncio::http::h1 {
namespace {

constexpr std::string_view kUpgrade =
    "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n";
constexpr std::string_view kUpgradeLog =
    "GET /chat HTTP/1.1 http://h\nupgrade to websocket\nConnection: keep-alive, Upgrade\nUpgrade: websocket\n";

void Accept(ServerHarness& server) { server.current().SendHead(101, {{"upgrade", "websocket"}}, false); }

TEST(H1ServerTunnelTest, AnAcceptedUpgradeMakesBothDirectionsOpaque) {
  ServerHarness server;
  server.Feed(kUpgrade);
  EXPECT_EQ(server.TakeLog(), kUpgradeLog);
  Accept(server);
  EXPECT_EQ(server.TakeOutput(),
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n");
  std::string got;
  server.Feed("GET / HTTP/1.1\r\n\r\n");
  server.current().Send("0\r\n\r\n", false);
  EXPECT_EQ(server.TakeOutput(), "0\r\n\r\n");
  server.codec.OnEndOfInput();
  EXPECT_EQ(server.TakeLog(), "content GET / HTTP/1.1\r\n\r\n\nend\n");
  EXPECT_FALSE(server.closing);
  server.current().Send("bye", true);
  EXPECT_EQ(server.TakeOutput(), "bye");
  EXPECT_EQ(server.TakeLog(), "close\n");
}

TEST(H1ServerTunnelTest, TheUpgradeIsNamedWhereTheAnswerDoesNot) {
  ServerHarness server;
  server.Feed(kUpgrade);
  server.current().SendHead(101, {}, false);
  EXPECT_EQ(server.TakeOutput(),
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
}

TEST(H1ServerTunnelTest, BytesSentAheadWaitAndThenBelongToTheTunnel) {
  ServerHarness server;
  server.Feed(std::string(kUpgrade) + "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(server.TakeLog(), kUpgradeLog);
  EXPECT_TRUE(server.paused);
  Accept(server);
  EXPECT_FALSE(server.paused);
  server.RunIfResumed();
  server.codec.OnEndOfInput();
  EXPECT_EQ(server.TakeLog(), "content GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n\nend\n");
  EXPECT_EQ(server.stream_count(), 1u);
}

TEST(H1ServerTunnelTest, AcceptedFromWithinTheHeadsEvent) {
  ServerHarness server;
  server.on_head = [&](ServerHarness::Stream&, bool) { Accept(server); };
  server.Feed(std::string(kUpgrade) + "first");
  server.codec.OnEndOfInput();
  EXPECT_EQ(server.TakeLog(), std::string(kUpgradeLog) + "content first\nend\n");
}

TEST(H1ServerTunnelTest, ARefusalEndsTheConnectionWithItsAnswer) {
  ServerHarness server;
  server.Feed(std::string(kUpgrade) + "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n");
  server.TakeLog();
  server.current().Answer(403, "no");
  EXPECT_EQ(server.TakeOutput(), "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno");
  EXPECT_EQ(server.TakeLog(), "close\n");
  EXPECT_EQ(server.stream_count(), 1u);
}

TEST(H1ServerTunnelTest, TheServersEndIsAFinAndTheClientGoesOn) {
  ServerHarness server;
  server.Feed(kUpgrade);
  Accept(server);
  server.TakeLog();
  server.TakeOutput();
  server.current().Send("last", true);
  EXPECT_EQ(server.TakeOutput(), "last");
  EXPECT_EQ(server.TakeLog(), "fin\n");
  server.Feed("more");
  server.codec.OnEndOfInput();
  EXPECT_EQ(server.TakeLog(), "content more\nend\nclose\n");
}

TEST(H1ServerTunnelTest, AClientThatHalfClosesBeforeTheAnswer) {
  ServerHarness server;
  server.Feed(kUpgrade);
  server.codec.OnEndOfInput();
  EXPECT_EQ(server.TakeLog(), kUpgradeLog);
  Accept(server);
  EXPECT_EQ(server.TakeLog(), "end\n");
  server.current().Send("x", true);
  EXPECT_EQ(server.TakeLog(), "close\n");
}

TEST(H1ServerTunnelTest, ACutTunnelIsAReset) {
  ServerHarness server;
  server.Feed(kUpgrade);
  Accept(server);
  server.TakeLog();
  server.current().sender().Reset(StreamReset::kLocal);
  EXPECT_EQ(server.TakeLog(), "abort\n");
}

TEST(H1ServerTunnelTest, APausedTunnelPausesTheConnection) {
  ServerHarness server;
  server.Feed(kUpgrade);
  Accept(server);
  server.current().sender().PauseReading(true);
  EXPECT_TRUE(server.paused);
  server.current().sender().PauseReading(false);
  EXPECT_FALSE(server.paused);
}

TEST(H1ServerTunnelTest, ConnectIsAcceptedWithoutFraming) {
  ServerHarness server;
  server.Feed("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n\x16\x03");
  EXPECT_EQ(server.TakeLog(), "CONNECT  HTTP/1.1 http://h:443\n");
  server.current().SendHead(200, {{"content-length", "5"}}, false);
  EXPECT_EQ(server.TakeOutput(), "HTTP/1.1 200 OK\r\n\r\n");
  server.RunIfResumed();
  server.codec.OnEndOfInput();
  EXPECT_EQ(server.TakeLog(), "content \x16\x03\nend\n");
}

TEST(H1ServerTunnelTest, WhatIsNoUpgrade) {
  for (std::string_view head : {
           // Not named by Connection; by HTTP/1.0; h2c, which may be ignored.
           "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n",
           "GET / HTTP/1.0\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n",
       }) {
    ServerHarness server({.accept_http_10 = true});
    bool ended = false;
    server.on_head = [&](ServerHarness::Stream&, bool end_stream) { ended = end_stream; };
    server.Feed(head);
    EXPECT_TRUE(ended) << head;
    EXPECT_EQ(server.TakeLog().find("upgrade to"), std::string::npos) << head;
  }
}

TEST(H1ServerTunnelTest, ABodyBeforeATunnelIsRefused) {
  for (std::string_view head : {
           "POST / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 1\r\n\r\na",
           "POST / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\nTransfer-Encoding: "
           "chunked\r\n\r\n0\r\n\r\n",
           "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nContent-Length: 1\r\n\r\na",
       }) {
    ServerHarness server;
    server.Feed(head);
    EXPECT_EQ(server.TakeLog(), "error 400 http1.codec_error.tunnel_with_body\nclose\n") << head;
  }
}

class H1ClientTunnelTest : public testing::Test {
 protected:
  void Ask(std::string_view method = "GET") {
    client_.sender = &client_.codec.NewStream(client_);
    client_.upgrade = method == "CONNECT" ? "" : "websocket";
    client_.SendHead(method, method == "CONNECT" ? "" : "/chat", {}, false);
  }
  void Accept() {
    Ask();
    client_.TakeOutput();
    client_.Feed("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    client_.TakeLog();
  }
  ClientHarness client_;
};

TEST_F(H1ClientTunnelTest, TheUpgradeIsAskedFor) {
  Ask();
  EXPECT_EQ(client_.TakeOutput(),
            "GET /chat HTTP/1.1\r\nhost: host\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
}

TEST_F(H1ClientTunnelTest, OpaqueAfter101AndOnlyThen) {
  Ask();
  client_.TakeOutput();
  client_.Send("too early", false);
  EXPECT_EQ(client_.TakeOutput(), "");
  client_.Feed("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nHTTP/1.1 ");
  client_.Send("hello", false);
  EXPECT_EQ(client_.TakeOutput(), "hello");
  client_.Feed("200 OK\r\n\r\n");
  client_.codec.OnEndOfInput();
  EXPECT_EQ(client_.TakeLog(),
            "answer 101 Switching Protocols HTTP/1.1\nConnection: upgrade\nUpgrade: websocket\n"
            "content HTTP/1.1 200 OK\r\n\r\n\nend\n");
  EXPECT_TRUE(client_.codec.half_open());
  client_.Send("bye", true);
  EXPECT_EQ(client_.TakeOutput(), "bye");
  EXPECT_EQ(client_.TakeLog(), "closed\n");
  EXPECT_FALSE(client_.codec.half_open());
  EXPECT_EQ(client_.codec.exchange_end(), H1ClientCodec::ExchangeEnd::kTunnel);
}

TEST_F(H1ClientTunnelTest, OurEndIsAFinAndTheHostGoesOn) {
  Accept();
  client_.Send("x", true);
  EXPECT_EQ(client_.TakeLog(), "fin\n");
  client_.Feed("more");
  client_.codec.OnEndOfInput();
  EXPECT_EQ(client_.TakeLog(), "content more\nend\nclosed\n");
}

TEST_F(H1ClientTunnelTest, ARefusalIsAnOrdinaryAnswer) {
  Ask();
  client_.TakeOutput();
  client_.Feed("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  EXPECT_EQ(client_.TakeLog(), "answer 403 Forbidden HTTP/1.1\nContent-Length: 2\ncontent no\nend\nclosed reusable\n");
  // A 200 is no acceptance of an upgrade.
  Ask();
  client_.TakeOutput();
  client_.Feed("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno");
  EXPECT_EQ(client_.TakeLog(), "answer 200 OK HTTP/1.1\nContent-Length: 2\ncontent no\nend\nclosed reusable\n");
}

TEST_F(H1ClientTunnelTest, ConnectIgnoresTheFramingOfItsAcceptance) {
  Ask("CONNECT");
  EXPECT_EQ(client_.TakeOutput(), "CONNECT host HTTP/1.1\r\nhost: host\r\n\r\n");
  client_.Feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nraw");
  client_.codec.OnEndOfInput();
  EXPECT_EQ(client_.TakeLog(), "answer 200 OK HTTP/1.1\nTransfer-Encoding: chunked\ncontent raw\nend\n");
}

TEST_F(H1ClientTunnelTest, ARefusedConnectEndsItsConnection) {
  Ask("CONNECT");
  client_.TakeOutput();
  client_.Feed("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(client_.TakeLog(), "answer 502 Bad Gateway HTTP/1.1\nContent-Length: 0\nend\nclosed\n");
}

TEST_F(H1ClientTunnelTest, ABrokenTunnelIsKnownAsSuch) {
  Accept();
  client_.Send("x", false);
  client_.sender->Reset(StreamReset::kRemote);
  EXPECT_EQ(client_.codec.exchange_end(), H1ClientCodec::ExchangeEnd::kBroken);
  EXPECT_FALSE(client_.codec.reusable());
}

TEST_F(H1ClientTunnelTest, TheLossOfTheConnectionIsAReset) {
  Accept();
  client_.codec.OnConnectionClosed();
  EXPECT_EQ(client_.TakeLog(), "reset connection_termination http1.incomplete_answer_body\nclosed\n");
}

}  // namespace
}  // namespace nuncio::http::h1
