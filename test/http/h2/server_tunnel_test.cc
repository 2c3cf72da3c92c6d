// CONNECT (RFC 9113 8.5) and extended CONNECT (RFC 8441).
#include "test/http/h2/server_fixture.h"

namespace nuncio::http::h2 {
namespace {

class H2ServerTunnelTest : public ServerFixture {
 protected:
  static H2Options AllowConnect() {
    H2Options options;
    options.allow_connect = true;
    return options;
  }
  static std::string WebSocket(uint32_t id, const Fields& more = {}, uint8_t flags = kEndHeaders) {
    Fields fields = {{":method", "CONNECT"},   {":protocol", "websocket"},     {":scheme", "https"},
                     {":path", "/chat"},       {":authority", "example.com"},  {"sec-websocket-version", "13"}};
    fields.insert(fields.end(), more.begin(), more.end());
    return Headers(id, fields, flags);
  }
  static std::string Connect(uint32_t id) {
    return Headers(id, {{":method", "CONNECT"}, {":authority", "example.com:443"}}, kEndHeaders);
  }
};

TEST_F(H2ServerTunnelTest, ExtendedConnectLooksLikeAnUpgrade) {
  Start(AllowConnect());
  ASSERT_TRUE(Feed(WebSocket(1)));
  EXPECT_EQ(request(0).method, "GET");
  EXPECT_EQ(request(0).upgrade, "websocket");
  EXPECT_EQ(request(0).path, "/chat");
  EXPECT_EQ(request(0).authority, "example.com");
  EXPECT_EQ(request(0).Header("sec-websocket-version"), "13");
  EXPECT_FALSE(request(0).ended);
  request(0).SendHead(101, {{"upgrade", "websocket"}, {"connection", "upgrade"}, {"sec-websocket-protocol", "a"}},
                      false);
  const auto frames = Sent();
  EXPECT_THAT(Find(frames, NGHTTP2_HEADERS, 1)->fields,
              testing::ElementsAre(testing::Pair(":status", "200"), testing::Pair("sec-websocket-protocol", "a")));
}

TEST_F(H2ServerTunnelTest, BothDirectionsHaveTheirOwnEnd) {
  for (const bool client_first : {true, false}) {
    SCOPED_TRACE(client_first);
    Start(AllowConnect());
    ASSERT_TRUE(Feed(WebSocket(1)));
    request(0).SendHead(101, {}, false);
    request(0).Send("from the server", false);
    ASSERT_TRUE(Feed(Data(1, "from the client")));
    EXPECT_EQ(request(0).body, "from the client");
    EXPECT_EQ(BodyOf(Sent(), 1), "from the server");
    if (client_first) {
      ASSERT_TRUE(Feed(Data(1, "", kEndStream)));
      EXPECT_TRUE(request(0).ended);
      request(0).Send("more", false);
      EXPECT_EQ(codec_->active_streams(), 1);
      request(0).Send("last", true);
    } else {
      request(0).Send("last", true);
      EXPECT_EQ(codec_->active_streams(), 1);
      ASSERT_TRUE(Feed(Data(1, "still")));
      EXPECT_EQ(request(0).body, "from the clientstill");
      ASSERT_TRUE(Feed(Data(1, "", kEndStream)));
      EXPECT_TRUE(request(0).ended);
    }
    EXPECT_EQ(codec_->active_streams(), 0);
    EXPECT_FALSE(request(0).reset.has_value());
    for (const ParsedFrame& frame : Sent()) EXPECT_NE(frame.type, NGHTTP2_RST_STREAM);
    ExpectAlive();
  }
}

TEST_F(H2ServerTunnelTest, ResetAfterOnesOwnEndIsStillHeard) {
  Start(AllowConnect());
  ASSERT_TRUE(Feed(Connect(1)));
  EXPECT_EQ(request(0).method, "CONNECT");
  EXPECT_EQ(request(0).authority, "example.com:443");
  EXPECT_EQ(request(0).upgrade, "");
  request(0).SendHead(200, {}, false);
  request(0).Send("bye", true);
  ASSERT_TRUE(Feed(RstStream(1, NGHTTP2_CONNECT_ERROR)));
  EXPECT_EQ(request(0).reset, StreamReset::kConnectError);
}

TEST_F(H2ServerTunnelTest, AFailedTunnelIsToldByItsCode) {
  Start();
  ASSERT_TRUE(Feed(Connect(1)));
  request(0).SendHead(200, {}, false);
  request(0).sender().Reset(StreamReset::kConnectError);
  ExpectStreamError(1, NGHTTP2_CONNECT_ERROR);
}

TEST_F(H2ServerTunnelTest, ARefusalIsAnOrdinaryAnswer) {
  Start(AllowConnect());
  ASSERT_TRUE(Feed(WebSocket(1) + Connect(3)));
  request(0).Answer(403, {}, "no upgrades");
  request(1).Answer(405, {}, "");
  codec_->EndAnswered();
  const auto frames = Sent();
  EXPECT_EQ(Find(frames, NGHTTP2_HEADERS, 1)->Field(":status"), "403");
  EXPECT_EQ(Find(frames, NGHTTP2_RST_STREAM, 1)->Number(0), NGHTTP2_NO_ERROR);
  EXPECT_EQ(Find(frames, NGHTTP2_RST_STREAM, 3)->Number(0), NGHTTP2_NO_ERROR);
  EXPECT_EQ(codec_->active_streams(), 0);
}

TEST_F(H2ServerTunnelTest, ATunnelThatEndsWithItsHead) {
  Start(AllowConnect());
  ASSERT_TRUE(Feed(WebSocket(1, {}, kEnds)));
  EXPECT_TRUE(request(0).ended);
  EXPECT_EQ(request(0).body_bytes, 0);
  request(0).SendHead(101, {}, false);
  request(0).Send("x", true);
  EXPECT_EQ(codec_->active_streams(), 0);
}

TEST_F(H2ServerTunnelTest, ATunnelThatIsAcceptedAndEndedFromItsHead) {
  on_request = [](ServedRequest& request, std::string_view event) {
    if (event == "head") request.SendHead(200, {}, true);
  };
  Start(AllowConnect());
  ASSERT_TRUE(Feed(Headers(1, {{":method", "CONNECT"}, {":authority", "example.com:443"}}, kEnds)));
  // The receiver hears of both ends, else it would wait on for a sender that is gone.
  EXPECT_TRUE(request(0).ended);
  EXPECT_EQ(codec_->active_streams(), 0);
  EXPECT_FALSE(request(0).reset.has_value());
}

struct BadTunnel {
  const char* name;
  Fields fields;
};
class H2BadTunnelTest : public ServerFixture, public testing::WithParamInterface<BadTunnel> {};
INSTANTIATE_TEST_SUITE_P(
    Rfc8441, H2BadTunnelTest,
    testing::Values(
        BadTunnel{"no_path",
                  {{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "http"}, {":authority", "a"}}},
        BadTunnel{"no_scheme",
                  {{":method", "CONNECT"}, {":protocol", "websocket"}, {":path", "/"}, {":authority", "a"}}},
        BadTunnel{"no_authority",
                  {{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "http"}, {":path", "/"}}},
        BadTunnel{
            "other_method",
            {{":method", "GET"}, {":protocol", "websocket"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}}},
        BadTunnel{"protocol_with_line",
                  {{":method", "CONNECT"},
                   {":protocol", "websocket\r\nx: y"},
                   {":scheme", "http"},
                   {":path", "/"},
                   {":authority", "a"}}},
        BadTunnel{
            "empty_protocol",
            {{":method", "CONNECT"}, {":protocol", ""}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}}},
        BadTunnel{"length",
                  {{":method", "CONNECT"},
                   {":protocol", "websocket"},
                   {":scheme", "http"},
                   {":path", "/"},
                   {":authority", "a"},
                   {"content-length", "10"}}}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_P(H2BadTunnelTest, IsMalformed) {
  H2Options options;
  options.allow_connect = true;
  Start(options);
  ASSERT_TRUE(Feed(Headers(1, GetParam().fields, kEndHeaders)));
  EXPECT_EQ(request(0).reset, StreamReset::kProtocolError);
  ExpectStreamError(1, NGHTTP2_PROTOCOL_ERROR);
}

}  // namespace
}  // namespace nuncio::http::h2
