// Whole exchanges through the server codec.
#include <string>

#include "test/http/h2/server_fixture.h"

namespace nuncio::http::h2 {
namespace {

using testing::ElementsAre;
using testing::Pair;

class H2ServerTest : public ServerFixture {};

// Input may be cut anywhere.
class H2ServerSplitTest : public ServerFixture, public testing::WithParamInterface<size_t> {};
INSTANTIATE_TEST_SUITE_P(Steps, H2ServerSplitTest,
                         testing::Values(0, 1, 2, 3, 5, 7, 8, 9, 10, 13, 14, 17, 24, 33, 64, 1000, 16393));

TEST_P(H2ServerSplitTest, WholeExchange) {
  StartBare();
  std::string body(40000, ' ');
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 23);
  std::string input = std::string(kPreface) + Settings({}) + SettingsAck();
  input += Headers(1, Request("POST", "/upload?x=1", {{"x-a", "1"}}), kEndHeaders);
  input += Priority(1, 0);
  input += Data(1, body.substr(0, 16384)) + Ping() + Data(1, body.substr(16384, 16384));
  input += Frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, std::string(1, '\x05') + body.substr(32768) + "12345");
  input += Headers(1, {{"x-trailer", "t"}}, kEnds);
  ASSERT_TRUE(FeedInSteps(input, GetParam()));
  ASSERT_EQ(request_count(), 1);
  EXPECT_EQ(request(0).method, "POST");
  EXPECT_EQ(request(0).path, "/upload?x=1");
  EXPECT_EQ(request(0).authority, "example.com");
  EXPECT_EQ(request(0).scheme, "http");
  EXPECT_EQ(request(0).protocol, Protocol::kHttp2);
  EXPECT_THAT(request(0).headers, ElementsAre(Pair("x-a", "1")));
  EXPECT_TRUE(request(0).body == body);
  EXPECT_THAT(request(0).trailers, ElementsAre(Pair("x-trailer", "t")));
  EXPECT_TRUE(request(0).ended);
  EXPECT_EQ(codec_->active_streams(), 1);

  request(0).SendHead(103, {{"link", "</a.css>"}}, false);
  request(0).SendHead(200, {{"Server", "nuncio"}, {"connection", "close"}}, false);
  request(0).Send("hello", false);
  request(0).SendTrailers({{"grpc-status", "0"}});
  request(0).DropArena();
  const auto frames = Sent();
  std::vector<const ParsedFrame*> heads;
  for (const ParsedFrame& frame : frames) {
    if (frame.type == NGHTTP2_HEADERS) heads.push_back(&frame);
  }
  ASSERT_EQ(heads.size(), 3);
  EXPECT_THAT(heads[0]->fields, ElementsAre(Pair(":status", "103"), Pair("link", "</a.css>")));
  EXPECT_THAT(heads[1]->fields, ElementsAre(Pair(":status", "200"), Pair("server", "nuncio")));
  EXPECT_THAT(heads[2]->fields, ElementsAre(Pair("grpc-status", "0")));
  EXPECT_EQ(heads[2]->flags, kEnds);
  EXPECT_EQ(BodyOf(frames, 1), "hello");
  EXPECT_EQ(codec_->active_streams(), 0);
  EXPECT_EQ(stats_.trailers.value(), 1);
  ExpectAlive();
}

TEST_F(H2ServerTest, SettingsSayWhatTheOptionsSay) {
  H2Options options;
  options.max_concurrent_streams = 7;
  options.initial_stream_window_size = 100000;
  options.initial_connection_window_size = 200000;
  options.hpack_table_size = 8192;
  options.allow_connect = true;
  StartBare(options);
  codec_->Start();
  const auto frames = Sent();
  ASSERT_GE(frames.size(), 2);
  EXPECT_EQ(frames[0].type, NGHTTP2_SETTINGS);
  std::vector<std::pair<uint32_t, uint32_t>> entries;
  for (size_t at = 0; at + 6 <= frames[0].payload.size(); at += 6) {
    entries.emplace_back(static_cast<uint8_t>(frames[0].payload[at + 1]), frames[0].Number(at + 2));
  }
  EXPECT_THAT(entries, testing::UnorderedElementsAre(Pair(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 7),
                                                     Pair(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
                                                     Pair(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1),
                                                     Pair(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100000),
                                                     Pair(NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 8192)));
  EXPECT_EQ(frames[1].type, NGHTTP2_WINDOW_UPDATE);
  EXPECT_EQ(frames[1].Number(0), 200000 - 65535);
}

TEST_F(H2ServerTest, AnAnswerWithoutBodyIsOneFrame) {
  Start();
  ASSERT_TRUE(Feed(Headers(1, Request())));
  request(0).Answer(204, {}, "");
  const auto frames = Sent();
  ASSERT_EQ(frames.size(), 1);
  EXPECT_EQ(frames[0].flags, kEnds);
  EXPECT_EQ(frames[0].Field(":status"), "204");
}

TEST_F(H2ServerTest, OneOutputForManyAnswers) {
  Start();
  on_request = [](ServedRequest& request, std::string_view event) {
    if (event == "head") request.Answer(200, {{"x", "y"}}, "body");
  };
  std::string input;
  for (uint32_t i = 0; i < 100; ++i) input += Headers(2 * i + 1, Request());
  outputs = 0;
  ASSERT_TRUE(Feed(input));
  EXPECT_EQ(outputs, 1);
  EXPECT_EQ(request_count(), 100);
  const auto frames = Sent();
  for (uint32_t i = 0; i < 100; ++i) EXPECT_EQ(BodyOf(frames, 2 * i + 1), "body");
  EXPECT_EQ(codec_->active_streams(), 0);
}

TEST_F(H2ServerTest, AnEarlyAnswerEndsTheRequestWithoutError) {
  Start();
  ASSERT_TRUE(Feed(Headers(1, Request("POST"), kEndHeaders) + Data(1, "part")));
  request(0).Answer(413, {}, "too large");
  request(0).DropArena();
  auto frames = Sent();
  EXPECT_EQ(BodyOf(frames, 1), "too large");
  EXPECT_EQ(Find(frames, NGHTTP2_RST_STREAM, 1), nullptr) << "the client may be about to end it";
  codec_->EndAnswered();
  frames = Sent();
  const ParsedFrame* reset = Find(frames, NGHTTP2_RST_STREAM, 1);
  ASSERT_NE(reset, nullptr);
  EXPECT_EQ(reset->Number(0), NGHTTP2_NO_ERROR);
  EXPECT_EQ(codec_->active_streams(), 0);
  // What was under way is no fault, and is credited.
  ASSERT_TRUE(Feed(Data(1, std::string(16384, 'x')) + Data(1, "", kEndStream)));
  EXPECT_FALSE(request(0).reset.has_value());
  ExpectAlive();
}

TEST_F(H2ServerTest, ABlockThatIsStillArrivingWhenTheAnswerEndsIsDropped) {
  for (const bool trailers : {false, true}) {
    SCOPED_TRACE(trailers);
    // The answer cannot leave, so the stream stays.
    Start({}, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
    if (trailers) {
      ASSERT_TRUE(Feed(Headers(1, Request("POST", "/"), kEndHeaders)));
    }
    const Fields begun = trailers ? Fields{{"x-begun", "1"}} : Request("GET", "/");
    ASSERT_TRUE(Feed(Headers(1, begun, kEndStream)));
    ASSERT_EQ(request_count(), 1);
    request(0).Answer(408, {}, "too late");
    request(0).DropArena();
    ASSERT_TRUE(Feed(Continuation(1, Block({{"x-more", "2"}}), kEndHeaders)));
    EXPECT_FALSE(request(0).ended);
    ExpectAlive();
    ASSERT_TRUE(Feed(WindowUpdate(1, 100)));
    EXPECT_EQ(BodyOf(Sent(), 1), "too late");
    EXPECT_EQ(codec_->active_streams(), 0);
  }
}

TEST_F(H2ServerTest, CookiesCountAsOneFieldButNotWithoutBound) {
  H2Options options;
  options.max_header_count = 10;
  Start(options);
  const auto cookies = [](int count) { return Fields(static_cast<size_t>(count), {"cookie", "a=b"}); };
  ASSERT_TRUE(Feed(Headers(1, Request("GET", "/", cookies(40)))));
  EXPECT_EQ(request(0).decode_error, 0);
  EXPECT_TRUE(request(0).ended);
  ASSERT_TRUE(Feed(Headers(3, Request("GET", "/", cookies(41)))));
  EXPECT_EQ(request(1).decode_error, 431);
}

TEST_F(H2ServerTest, AnEarlyAnswerThatIsStillOnItsWayEndsTheRequestWhenItHasLeft) {
  Start({}, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 4}});
  ASSERT_TRUE(Feed(Headers(1, Request("POST"), kEndHeaders)));
  request(0).Answer(413, {}, "too large");
  request(0).DropArena();
  codec_->EndAnswered();
  EXPECT_EQ(Find(Sent(), NGHTTP2_RST_STREAM, 1), nullptr);
  ASSERT_TRUE(Feed(WindowUpdate(1, 100)));
  const auto frames = Sent();
  EXPECT_EQ(BodyOf(frames, 1), "large");
  ASSERT_NE(Find(frames, NGHTTP2_RST_STREAM, 1), nullptr);
}

TEST_F(H2ServerTest, ARequestThatEndsAfterItsAnswerIsStillHeldToTheRules) {
  const auto answered = [this](const Fields& more, const std::string& rest) {
    Start();
    EXPECT_TRUE(Feed(Headers(1, Request("POST", "/", more), kEndHeaders)));
    request(0).Answer(200, {}, "early");
    request(0).DropArena();
    Sent();
    EXPECT_TRUE(Feed(rest));
  };
  answered({}, Data(1, "test", kEndStream));
  EXPECT_EQ(codec_->active_streams(), 0);
  EXPECT_EQ(Find(Sent(), NGHTTP2_RST_STREAM, 1), nullptr);
  answered({}, Data(1, "test") + Headers(1, {{"x", "y"}}));
  EXPECT_EQ(codec_->active_streams(), 0);
  EXPECT_EQ(Find(Sent(), NGHTTP2_RST_STREAM, 1), nullptr);
  answered({{"content-length", "1"}}, Data(1, "test", kEndStream));
  ExpectStreamError(1, NGHTTP2_PROTOCOL_ERROR);
  answered({{"content-length", "9"}}, Data(1, "test", kEndStream));
  ExpectStreamError(1, NGHTTP2_PROTOCOL_ERROR);
  answered({}, Headers(1, {{":method", "GET"}}));
  ExpectStreamError(1, NGHTTP2_PROTOCOL_ERROR);
  answered({}, Headers(1, {{"x", "y"}}, kEndHeaders));
  ExpectStreamError(1, NGHTTP2_PROTOCOL_ERROR);
  answered({}, WindowUpdate(1, 0));
  ExpectStreamError(1, NGHTTP2_PROTOCOL_ERROR);
}

TEST_F(H2ServerTest, CookiesAreJoinedAndHostBecomesTheAuthority) {
  Start();
  ASSERT_TRUE(Feed(Headers(1, {{":method", "GET"},
                               {":scheme", "https"},
                               {":path", "/"},
                               {"cookie", "a=1"},
                               {"x", "y"},
                               {"host", "other.com:8080"},
                               {"cookie", "b=2"},
                               {"te", "trailers"},
                               {"cookie", "c=3; d=4"}})));
  EXPECT_EQ(request(0).authority, "other.com:8080");
  EXPECT_EQ(request(0).scheme, "https");
  EXPECT_THAT(request(0).headers,
              ElementsAre(Pair("cookie", "a=1; b=2; c=3; d=4"), Pair("x", "y"), Pair("te", "trailers")));
}

TEST_F(H2ServerTest, ResetByThePeerIsTold) {
  Start();
  ASSERT_TRUE(Feed(Headers(1, Request("POST"), kEndHeaders)));
  ASSERT_TRUE(Feed(RstStream(1, NGHTTP2_CANCEL)));
  EXPECT_EQ(request(0).reset, StreamReset::kRemote);
  EXPECT_EQ(request(0).details, "http2.remote_reset");
  EXPECT_EQ(stats_.rx_reset.value(), 1);
  EXPECT_EQ(codec_->active_streams(), 0);
  ExpectAlive();
}

TEST_F(H2ServerTest, ResetByUsIsSent) {
  Start();
  ASSERT_TRUE(Feed(Headers(1, Request())));
  request(0).SendHead(200, {}, false);
  request(0).sender().Reset(StreamReset::kLocal);
  EXPECT_FALSE(request(0).reset.has_value());
  ExpectStreamError(1, NGHTTP2_INTERNAL_ERROR);
  EXPECT_EQ(stats_.tx_reset.value(), 1);
}

TEST_F(H2ServerTest, TheEndOfTheConnectionEndsItsStreams) {
  Start();
  ASSERT_TRUE(Feed(Headers(1, Request()) + Headers(3, Request("POST"), kEndHeaders)));
  codec_->OnEndOfInput();
  EXPECT_EQ(request(0).reset, StreamReset::kConnectionClosed);
  EXPECT_EQ(request(1).reset, StreamReset::kConnectionClosed);
  EXPECT_EQ(codec_->active_streams(), 0);
  EXPECT_TRUE(connection_errors.empty());
}

TEST_F(H2ServerTest, PongsAreTold) {
  Start();
  codec_->SendPing(77);
  const auto frames = Sent();
  ASSERT_EQ(frames.size(), 1);
  ASSERT_TRUE(Feed(Ping(frames[0].payload, NGHTTP2_FLAG_ACK)));
  EXPECT_THAT(pongs, ElementsAre(77));
}

}  // namespace
}  // namespace nuncio::http::h2
