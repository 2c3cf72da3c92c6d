#include <string>

#include "gtest/gtest.h"
#include "source/http/h2/h2_client_codec.h"
#include "test/http/h2/client_fixture.h"

// What a server does wrong or too often ends its stream, or, where that is not enough, the connection.
namespace nuncio::http::h2 {
namespace {

class H2ClientFaultsTest : public ClientFixture {};

TEST_F(H2ClientFaultsTest, TooManyOrTooLargeFieldsResetTheStreamAlone) {
  H2Options options;
  options.max_header_bytes = 1000;
  options.max_header_count = 10;
  Start(options);
  RecordingReceiver many = Receiver(), large = Receiver(), fine = Receiver(), late = Receiver();
  Get(many);
  Get(large);
  Get(fine);
  Get(late);
  Exchange();
  Fields fields = {{":status", "200"}};
  for (int i = 0; i < 11; ++i) fields.emplace_back("x", "y");
  peer_->Respond(1, fields, true);
  peer_->Respond(3, {{":status", "200"}, {"x", std::string(990, 'v')}}, true);
  peer_->Respond(5, {{":status", "200"}, {"x", std::string(989, 'v')}}, true);
  peer_->Respond(7, {{":status", "200"}}, false);
  fields.erase(fields.begin());
  peer_->Trailers(7, fields);
  ASSERT_TRUE(Exchange());
  EXPECT_EQ(many.reset, StreamReset::kLimit);
  EXPECT_EQ(many.details, "http2.too_many_headers");
  EXPECT_EQ(large.reset, StreamReset::kLimit);
  EXPECT_EQ(large.details, "http2.headers_too_large");
  EXPECT_EQ(fine.status, 200);
  EXPECT_TRUE(fine.done);
  EXPECT_EQ(late.status, 200);
  EXPECT_EQ(late.reset, StreamReset::kLimit);
  EXPECT_TRUE(codec_->reusable());
}

TEST_F(H2ClientFaultsTest, EndlessInformationalAnswersResetTheStream) {
  Start();
  RecordingReceiver receiver = Receiver();
  Get(receiver);
  Exchange();
  for (int i = 0; i < 40; ++i) peer_->Informational(1, {{":status", "102"}});
  ASSERT_TRUE(Exchange());
  EXPECT_EQ(receiver.informational.size(), ClientStream::kMaxInformational);
  EXPECT_EQ(receiver.reset, StreamReset::kLimit);
}

struct Malformed {
  const char* name;
  Fields fields;
  std::string body;
  std::string details = "http2.violation.of.messaging.rule";
};
constexpr const char* kFieldFault = "http2.invalid.header.field";

class H2MalformedAnswerTest : public ClientFixture, public testing::WithParamInterface<Malformed> {};
INSTANTIATE_TEST_SUITE_P(
    Answers, H2MalformedAnswerTest,
    testing::Values(Malformed{"no_status", {{"server", "x"}}, ""},
                    Malformed{"upper_case", {{":status", "200"}, {"X-Upper", "1"}}, "", kFieldFault},
                    Malformed{"connection", {{":status", "200"}, {"connection", "close"}}, ""},
                    Malformed{"transfer_encoding", {{":status", "200"}, {"transfer-encoding", "chunked"}}, ""},
                    Malformed{"request_pseudo", {{":status", "200"}, {":path", "/"}}, ""},
                    Malformed{"two_statuses", {{":status", "200"}, {":status", "200"}}, ""},
                    Malformed{"late_status", {{"server", "x"}, {":status", "200"}}, ""},
                    Malformed{"status_word", {{":status", "abc"}}, "", kFieldFault},
                    Malformed{"status_long", {{":status", "2000"}}, "", kFieldFault},
                    Malformed{"status_zero", {{":status", "000"}}, "", kFieldFault},
                    Malformed{"switching", {{":status", "101"}}, ""},
                    Malformed{"newline", {{":status", "200"}, {"x", "a\nb"}}, "", kFieldFault},
                    Malformed{"name_space", {{":status", "200"}, {"x y", "a"}}, "", kFieldFault},
                    Malformed{"bad_length", {{":status", "200"}, {"content-length", "ten"}}, ""},
                    Malformed{
                        "two_lengths", {{":status", "200"}, {"content-length", "3"}, {"content-length", "4"}}, ""},
                    Malformed{"shorter_body", {{":status", "200"}, {"content-length", "10"}}, "abc"},
                    Malformed{"longer_body", {{":status", "200"}, {"content-length", "2"}}, "abc"},
                    Malformed{"informational_end", {{":status", "103"}}, ""}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_P(H2MalformedAnswerTest, EndsItsStreamAlone) {
  Start();
  RecordingReceiver receiver = Receiver(), other = Receiver();
  receiver.drop_arena_on_reset = true;
  Get(receiver);
  Get(other);
  Exchange();
  peer_->Respond(1, GetParam().fields, GetParam().body.empty());
  if (!GetParam().body.empty()) peer_->Body(1, GetParam().body, true);
  peer_->Respond(3, {{":status", "200"}}, true);
  ASSERT_TRUE(Exchange());
  EXPECT_EQ(receiver.reset, StreamReset::kProtocolError);
  EXPECT_EQ(receiver.details, GetParam().details);
  EXPECT_FALSE(receiver.done);
  EXPECT_EQ(stats_.rx_messaging_error.value(), 1);
  EXPECT_EQ(other.status, 200);
  EXPECT_TRUE(other.done);
  EXPECT_EQ(events_.closed, 2);
  EXPECT_EQ(peer_->requests[1].reset_code, NGHTTP2_PROTOCOL_ERROR);
  EXPECT_TRUE(codec_->reusable());
}

struct Violation {
  const char* name;
  std::string bytes;
};

class H2ViolationTest : public ClientFixture, public testing::WithParamInterface<Violation> {};
INSTANTIATE_TEST_SUITE_P(
    Frames, H2ViolationTest,
    testing::Values(
        Violation{"data_on_connection", ServerPeer::Frame(NGHTTP2_DATA, 0, 0, "abc")},
        Violation{"data_on_idle_stream", ServerPeer::Frame(NGHTTP2_DATA, 0, 99, "abc")},
        Violation{"headers_garbage", ServerPeer::Frame(NGHTTP2_HEADERS, 4, 1, "\xff\xff\xff\xff\xff\xff\xff")},
        Violation{"ping_short", ServerPeer::Frame(NGHTTP2_PING, 0, 0, "abc")},
        Violation{"settings_odd", ServerPeer::Frame(NGHTTP2_SETTINGS, 0, 0, "abc")},
        Violation{"window_zero", ServerPeer::Frame(NGHTTP2_WINDOW_UPDATE, 0, 0, std::string(4, '\0'))},
        Violation{"window_overflow", ServerPeer::Frame(NGHTTP2_WINDOW_UPDATE, 0, 0, "\x7f\xff\xff\xff")},
        Violation{"continuation_alone", ServerPeer::Frame(NGHTTP2_CONTINUATION, 4, 1, "abc")},
        Violation{"push", ServerPeer::Frame(NGHTTP2_PUSH_PROMISE, 4, 1, std::string("\0\0\0\x02\x82", 5))},
        Violation{"frame_too_large", ServerPeer::Frame(NGHTTP2_DATA, 0, 1, std::string(16385, 'x'))},
        Violation{"http1", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"},
        Violation{"empty_data", ServerPeer::Frame(NGHTTP2_HEADERS, 4, 1, "\x88") +
                                    ServerPeer::Frame(NGHTTP2_DATA, 0, 1, "") +
                                    ServerPeer::Frame(NGHTTP2_DATA, 0, 1, "")},
        Violation{"priorities",
                  [] {
                    std::string frames;
                    for (int i = 0; i < 400; ++i) {
                      frames += ServerPeer::Frame(NGHTTP2_PRIORITY, 0, 1, std::string("\0\0\0\0\x10", 5));
                    }
                    return frames;
                  }()},
        Violation{"window_updates",
                  [] {
                    std::string frames;
                    for (int i = 0; i < 10; ++i) {
                      frames += ServerPeer::Frame(NGHTTP2_WINDOW_UPDATE, 0, 1, std::string("\0\0\0\x01", 4));
                    }
                    return frames;
                  }()},
        Violation{"continuations",
                  [] {
                    std::string frames = ServerPeer::Frame(NGHTTP2_HEADERS, 0, 1, "\x88");
                    for (int i = 0; i < 20; ++i) frames += ServerPeer::Frame(NGHTTP2_CONTINUATION, 0, 1, "");
                    return frames;
                  }()}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_P(H2ViolationTest, EndsTheConnection) {
  for (const size_t step : {size_t{0}, size_t{1}}) {
    Start();
    RecordingReceiver first = Receiver(), second = Receiver();
    first.drop_arena_on_reset = second.drop_arena_on_reset = true;
    Get(first);
    BeginPost(second);
    ASSERT_TRUE(Exchange());
    events_.closed = 0;
    const std::string& bytes = GetParam().bytes;
    bool good = true;
    const size_t size = step == 0 ? bytes.size() : step;
    for (size_t at = 0; good && at < bytes.size(); at += size) {
      good = Dispatch(std::string_view(bytes).substr(at, size));
    }
    EXPECT_FALSE(good);
    EXPECT_EQ(first.reset, StreamReset::kProtocolError);
    EXPECT_EQ(second.reset, StreamReset::kProtocolError);
    EXPECT_NE(first.details, "");
    EXPECT_EQ(events_.closed, 2);
    EXPECT_EQ(codec_->active_streams(), 0);
    EXPECT_FALSE(codec_->can_open_stream());
    EXPECT_FALSE(codec_->reusable());
    EXPECT_FALSE(Dispatch("more"));
    const std::string last_words = out_.ToString();
    out_.Clear();
    peer_->Feed(last_words);
    EXPECT_EQ(peer_->goaways, 1);
    EXPECT_NE(peer_->goaway_code, NGHTTP2_NO_ERROR);
    codec_.reset();
  }
}

TEST_F(H2ClientFaultsTest, AViolationIsToldToAPeerThatDoesNotRead) {
  Start();
  RecordingReceiver receiver = Receiver();
  Get(receiver);
  Exchange();
  codec_->OnSendBufferHigh();
  EXPECT_FALSE(Dispatch(ServerPeer::Frame(NGHTTP2_PING, 0, 0, "abc")));
  EXPECT_EQ(receiver.reset, StreamReset::kProtocolError);
}

TEST_F(H2ClientFaultsTest, PingsThatNobodyReadsAnswersToEndTheConnection) {
  Start();
  RecordingReceiver receiver = Receiver();
  Get(receiver);
  Exchange();
  codec_->OnSendBufferHigh();
  bool good = true;
  int pings = 0;
  for (; good && pings < 5000; ++pings) good = Dispatch(ServerPeer::Frame(NGHTTP2_PING, 0, 0, "12345678"));
  EXPECT_FALSE(good);
  EXPECT_LE(pings, 1002);
  EXPECT_EQ(receiver.reset, StreamReset::kProtocolError);
  EXPECT_EQ(receiver.details, "http2.outbound_control_frames_flood");
}

}  // namespace
}  // namespace nuncio::http::h2
