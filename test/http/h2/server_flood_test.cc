// What a client can do that costs it little: each with the figure at which it ends, a counter, and GOAWAY with
// ENHANCE_YOUR_CALM.
#include <string>

#include "test/http/h2/server_fixture.h"

namespace nuncio::http::h2 {
namespace {

const std::string kOpen = Headers(1, Request("POST"), kEndHeaders);

class H2ServerFloodTest : public ServerFixture {
 protected:
  // Feeds `input(i)` for i = 0, 1... one by one; how many were taken.
  template <typename Input>
  int FeedUntilClosed(int most, Input&& input) {
    for (int i = 0; i < most; ++i) {
      if (!Feed(input(i))) return i;
    }
    return most;
  }
  void ExpectCalm(std::string_view details) {
    ASSERT_EQ(connection_errors.size(), 1);
    EXPECT_EQ(connection_errors[0].first, StreamReset::kLimit);
    EXPECT_EQ(connection_errors[0].second, details);
    ExpectConnectionError(NGHTTP2_ENHANCE_YOUR_CALM);
  }
};

uint32_t Id(int i) { return static_cast<uint32_t>(2 * i + 1); }

// CVE-2023-44487.
TEST_F(H2ServerFloodTest, RapidReset) {
  Start();
  const int taken = FeedUntilClosed(2000, [&](int i) {
    return Headers(Id(i), Request()) + RstStream(Id(i), NGHTTP2_CANCEL);
  });
  EXPECT_EQ(taken, 500);
  EXPECT_EQ(request_count(), 501);
  EXPECT_EQ(stats_.rx_reset.value(), 501);
  ExpectCalm("http2.too_many_premature_resets");
}

TEST_F(H2ServerFloodTest, RapidResetInOneRead) {
  Start();
  std::string input;
  for (int i = 0; i < 5000; ++i) input += Headers(Id(i), Request()) + RstStream(Id(i), NGHTTP2_CANCEL);
  EXPECT_FALSE(Feed(input));
  EXPECT_LE(request_count(), 502);
  ExpectCalm("http2.too_many_premature_resets");
}

// CVE-2025-8671: the client makes the server reset.
TEST_F(H2ServerFloodTest, ResetsProvoked) {
  const std::vector<std::function<std::string(uint32_t)>> ways = {
      [](uint32_t id) { return Headers(id, Request("POST"), kEndHeaders) + WindowUpdate(id, 0); },
      [](uint32_t id) { return Headers(id, Request("POST"), kEndHeaders) + WindowUpdate(id, 0x7fffffff); },
      [](uint32_t id) { return Headers(id, Request("POST"), kEndHeaders) + Priority(id, id); },
      [](uint32_t id) { return Headers(id, Request()) + Data(id, "x"); },
      [](uint32_t id) { return Headers(id, Request("GET", "/", {{"Bad", "x"}})); },
      [](uint32_t id) {
        return Headers(id, Request("POST", "/", {{"content-length", "1"}}), kEndHeaders) + Data(id, "xy");
      },
      [](uint32_t id) {
        return Headers(id, Request("POST"), kEndHeaders) + Headers(id, Fields(101, {"x", "y"}));
      },
      [](uint32_t id) {
        const std::string large = Block({{"x", std::string(62000, 'v')}});
        std::string input = Headers(id, Request("POST"), kEndHeaders);
        for (size_t at = 0; at < large.size(); at += 16384) {
          input += Frame(at == 0 ? NGHTTP2_HEADERS : NGHTTP2_CONTINUATION,
                         (at == 0 ? kEndStream : 0) | (at + 16384 >= large.size() ? kEndHeaders : 0), id,
                         large.substr(at, 16384));
        }
        return input;
      },
  };
  for (size_t way = 0; way < ways.size(); ++way) {
    SCOPED_TRACE(way);
    H2Options options;
    options.max_inbound_window_update_frames_per_data_frame_sent = 1000;
    Start(options);
    const int taken = FeedUntilClosed(2000, [&](int i) {
      out_.Clear();
      return ways[way](Id(i));
    });
    EXPECT_EQ(taken, 500);
    reader_ = std::make_unique<FrameReader>();
    ExpectCalm("http2.too_many_premature_resets");
  }
}

TEST_F(H2ServerFloodTest, ResetsBesideAnswersAreNoFlood) {
  Start();
  for (int i = 0; i < 5000; ++i) {
    ASSERT_TRUE(Feed(Headers(Id(i), Request())));
    if (i % 2 == 0) {
      request(request_count() - 1).Answer(200, {}, "");
      Sent();
    } else {
      ASSERT_TRUE(Feed(RstStream(Id(i), NGHTTP2_CANCEL)));
    }
  }
  ExpectAlive();
}

TEST_F(H2ServerFloodTest, ResetsOfAnswersUnderWayAreNoFlood) {
  Start();
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(Feed(Headers(Id(i), Request())));
    request(request_count() - 1).SendHead(200, {}, false);
    Sent();
    ASSERT_TRUE(Feed(RstStream(Id(i), NGHTTP2_CANCEL)));
  }
  ExpectAlive();
}

TEST_F(H2ServerFloodTest, EmptyData) {
  Start();
  ASSERT_TRUE(Feed(kOpen));
  EXPECT_EQ(FeedUntilClosed(100, [](int) { return Data(1, ""); }), 1);
  EXPECT_EQ(stats_.inbound_empty_frames_flood.value(), 1);
  ExpectCalm("http2.inbound_empty_frames_flood");
}

TEST_F(H2ServerFloodTest, EmptyDataAsManyAsTheOptionsSay) {
  H2Options options;
  options.max_consecutive_inbound_frames_with_empty_payload = 10;
  Start(options);
  ASSERT_TRUE(Feed(kOpen));
  EXPECT_EQ(FeedUntilClosed(9, [](int) { return Data(1, ""); }), 9);
  ASSERT_TRUE(Feed(Data(1, "x")));
  EXPECT_EQ(FeedUntilClosed(100, [](int) { return Data(1, ""); }), 10);
}

TEST_F(H2ServerFloodTest, DataOfPaddingAlone) {
  Start();
  ASSERT_TRUE(Feed(kOpen));
  EXPECT_EQ(FeedUntilClosed(100, [](int) {
              return Frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, std::string(1, '\xff') + std::string(255, '\0'));
            }), 1);
  ExpectCalm("http2.inbound_empty_frames_flood");
}

TEST_F(H2ServerFloodTest, EmptyDataWithUndefinedFlags) {
  Start();
  ASSERT_TRUE(Feed(kOpen));
  EXPECT_EQ(FeedUntilClosed(100, [](int) { return Data(1, "", kEndHeaders); }), 1);
}

TEST_F(H2ServerFloodTest, EmptyHeaders) {
  Start();
  EXPECT_EQ(FeedUntilClosed(100, [](int i) {
              return Frame(i == 0 ? NGHTTP2_HEADERS : NGHTTP2_CONTINUATION, 0, 1, "");
            }), 1);
  ExpectCalm("http2.inbound_empty_frames_flood");
}

TEST_F(H2ServerFloodTest, EmptyFramesOfUnknownTypes) {
  Start();
  EXPECT_EQ(FeedUntilClosed(100, [](int) { return Frame(0x55, 0, 0, ""); }), 1);
  ExpectCalm("http2.inbound_empty_frames_flood");
}

TEST_F(H2ServerFloodTest, Priorities) {
  Start();
  ASSERT_TRUE(Feed(kOpen));
  EXPECT_EQ(FeedUntilClosed(1000, [](int i) { return Priority(Id(i), 0); }), 200);
  EXPECT_EQ(stats_.inbound_priority_frames_flood.value(), 1);
  ExpectCalm("http2.inbound_priority_frames_flood");
}

TEST_F(H2ServerFloodTest, WindowUpdates) {
  Start();
  ASSERT_TRUE(Feed(kOpen));
  EXPECT_EQ(FeedUntilClosed(1000, [](int) { return WindowUpdate(1, 1); }), 7);
  EXPECT_EQ(stats_.inbound_window_update_frames_flood.value(), 1);
  ExpectCalm("http2.inbound_window_update_frames_flood");
}

TEST_F(H2ServerFloodTest, AWindowUpdateForEachStreamOfOneReadIsNoFlood) {
  Start();
  std::string input = WindowUpdate(0, 1 << 20);
  for (int i = 0; i < 200; ++i) input += Headers(Id(i), Request()) + WindowUpdate(Id(i), 1 << 20);
  EXPECT_TRUE(Feed(input));
  EXPECT_EQ(request_count(), 200);
  ExpectAlive();
}

TEST_F(H2ServerFloodTest, WindowUpdatesForDataSentAreNoFlood) {
  Start({}, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 10}});
  ASSERT_TRUE(Feed(Headers(1, Request())));
  request(0).Answer(200, {}, std::string(10000, 'x'));
  size_t received = BodyOf(Sent(), 1).size();
  for (int i = 0; i < 999; ++i) {
    ASSERT_TRUE(Feed(WindowUpdate(1, 10)));
    received += BodyOf(Sent(), 1).size();
  }
  EXPECT_EQ(received, 10000);
}

TEST_F(H2ServerFloodTest, PingsOfAPeerThatDoesNotRead) {
  Start();
  EXPECT_EQ(FeedUntilClosed(5000, [](int) { return Ping(); }), 1000);
  EXPECT_EQ(stats_.outbound_control_flood.value(), 1);
  ExpectCalm("http2.outbound_control_frames_flood");
}

TEST_F(H2ServerFloodTest, PingsInOneRead) {
  Start();
  std::string input;
  for (int i = 0; i < 5000; ++i) input += Ping();
  EXPECT_FALSE(Feed(input));
  EXPECT_EQ(stats_.outbound_control_flood.value(), 1);
  ExpectCalm("http2.outbound_control_frames_flood");
}

TEST_F(H2ServerFloodTest, PingsWhoseAnswersAreReadAreNoFlood) {
  Start();
  EXPECT_EQ(FeedUntilClosed(5000, [&](int) {
              if (out_.length() > 5000) out_.Drain(4000);
              return Ping();
            }), 5000);
}

TEST_F(H2ServerFloodTest, SettingsOfAPeerThatDoesNotRead) {
  H2Options options;
  options.max_outbound_control_frames = 500;
  Start(options);
  EXPECT_EQ(FeedUntilClosed(5000, [](int) { return Settings({{0x55, 1}}); }), 500);
  EXPECT_EQ(stats_.outbound_control_flood.value(), 1);
  ExpectCalm("http2.outbound_control_frames_flood");
}

// Each is work for every stream.
TEST_F(H2ServerFloodTest, SettingsWhoseAnswersAreRead) {
  Start();
  ASSERT_TRUE(Feed(kOpen));
  const int taken = FeedUntilClosed(5000, [&](int i) {
    out_.Clear();
    return Settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, i % 2 == 0 ? 1 : 0}});
  });
  EXPECT_EQ(taken, 1000) << "1,000, and one for the stream, but that of the preface";
  EXPECT_EQ(stats_.inbound_settings_frames_flood.value(), 1);
  reader_ = std::make_unique<FrameReader>();
  ExpectCalm("http2.inbound_settings_frames_flood");
}

TEST_F(H2ServerFloodTest, SettingsInOneRead) {
  Start();
  std::string input;
  for (int i = 0; i < 5000; ++i) input += Settings({});
  EXPECT_FALSE(Feed(input));
  EXPECT_EQ(stats_.inbound_settings_frames_flood.value(), 1);
  ExpectCalm("http2.inbound_settings_frames_flood");
}

TEST_F(H2ServerFloodTest, SettingsBesideRequestsAreNoFlood) {
  Start();
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(Feed(Headers(Id(i), Request()) + Settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 100}})));
    request(request_count() - 1).Answer(204, {}, "");
    Sent();
  }
  ExpectAlive();
}

TEST_F(H2ServerFloodTest, SettingsForDataSentAreNoFlood) {
  Start({}, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1}});
  ASSERT_TRUE(Feed(Headers(1, Request())));
  request(0).Answer(200, {}, std::string(5000, 'x'));
  size_t received = BodyOf(Sent(), 1).size();
  for (uint32_t window = 2; window <= 5000; ++window) {
    ASSERT_TRUE(Feed(Settings({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}})));
    received += BodyOf(Sent(), 1).size();
  }
  EXPECT_EQ(received, 5000);
}

TEST_F(H2ServerFloodTest, SettingsOfTooManyEntries) {
  Start();
  std::string payload;
  for (int i = 0; i < 33; ++i) payload += Bytes(0x55, 2) + Bytes(1, 4);
  EXPECT_FALSE(Feed(Frame(NGHTTP2_SETTINGS, 0, 0, payload)));
  ExpectConnectionError(NGHTTP2_ENHANCE_YOUR_CALM);
}

TEST_F(H2ServerFloodTest, FramesForAPeerThatDoesNotRead) {
  H2Options options;
  options.max_outbound_frames = 300;
  Start(options);
  on_request = [](ServedRequest& request, std::string_view event) {
    if (event == "head") request.Answer(204, {}, "");
  };
  EXPECT_EQ(FeedUntilClosed(1000, [](int i) { return Headers(Id(i), Request()); }), 300);
  EXPECT_EQ(stats_.outbound_flood.value(), 1);
  ExpectCalm("http2.outbound_frames_flood");
}

TEST_F(H2ServerFloodTest, RefusedStreamsOfAPeerThatDoesNotRead) {
  H2Options options;
  options.max_concurrent_streams = 1;
  options.max_outbound_frames = 300;
  Start(options);
  ASSERT_TRUE(Feed(Headers(1, Request())));
  EXPECT_EQ(FeedUntilClosed(1000, [](int i) { return Headers(Id(i + 1), Request()); }), 300);
  EXPECT_EQ(request_count(), 1);
  ExpectCalm("http2.outbound_frames_flood");
}

// CVE-2024-27316 and its kin.
TEST_F(H2ServerFloodTest, ContinuationsWithoutEnd) {
  Start();
  ASSERT_TRUE(Feed(Headers(1, Request(), kEndStream)));
  // 60 KiB take 4 frames; 8 more are let pass, so that the last is number 11.
  EXPECT_EQ(FeedUntilClosed(1000, [](int) { return Continuation(1, Block({{"x", "y"}}), 0); }), 11);
  EXPECT_EQ(stats_.too_many_header_frames.value(), 1);
  ExpectCalm("http2.too_many_header_frames");
}

TEST_F(H2ServerFloodTest, AHeaderListBeyondTheLimitIsAnswered) {
  Start();
  Fields many = Request();
  for (int i = 0; i < 101; ++i) many.emplace_back("x", "y");
  ASSERT_TRUE(Feed(Headers(1, many)));
  EXPECT_EQ(request(0).decode_error, 431);
  EXPECT_EQ(request(0).details, "http2.too_many_headers");
  auto frames = Sent();
  EXPECT_EQ(Find(frames, NGHTTP2_HEADERS, 1)->Field(":status"), "431");
  EXPECT_EQ(Find(frames, NGHTTP2_RST_STREAM, 1), nullptr) << "the request was complete";

  const std::string large = Block(Request("POST", "/", {{"x", std::string(62000, 'v')}}));
  std::string input;
  for (size_t at = 0; at < large.size(); at += 16384) {
    input += Frame(at == 0 ? NGHTTP2_HEADERS : NGHTTP2_CONTINUATION, at + 16384 >= large.size() ? kEndHeaders : 0, 3,
                   large.substr(at, 16384));
  }
  ASSERT_TRUE(Feed(input + Data(3, "body") + Headers(3, {{"x", "y"}})));
  EXPECT_EQ(request(1).decode_error, 431);
  EXPECT_EQ(request(1).details, "http2.headers_too_large");
  EXPECT_EQ(request(1).body, "");
  EXPECT_EQ(Find(Sent(), NGHTTP2_HEADERS, 3)->Field(":status"), "431");
  EXPECT_EQ(stats_.header_overflow.value(), 2);
  EXPECT_EQ(codec_->active_streams(), 0);
  ExpectAlive();
}

TEST_F(H2ServerFloodTest, TrailersBeyondTheLimitResetTheStream) {
  Start();
  Fields many;
  for (int i = 0; i < 101; ++i) many.emplace_back("x", "y");
  ASSERT_TRUE(Feed(kOpen + Headers(1, many)));
  EXPECT_EQ(request(0).reset, StreamReset::kLimit);
  ExpectStreamError(1, NGHTTP2_ENHANCE_YOUR_CALM);
}

// One byte on the wire is an entry of 4 KiB.
TEST_F(H2ServerFloodTest, HpackBomb) {
  Start();
  ASSERT_TRUE(
      Feed(Frame(NGHTTP2_HEADERS, kEnds, 1,
                 Block(Request()) + "\x40" + Integer(1, 7, 0) + "x" + Integer(4000, 7, 0) + std::string(4000, 'v'))));
  request(0).Answer(200, {}, "");
  Sent();
  EXPECT_FALSE(Feed(Frame(NGHTTP2_HEADERS, kEnds, 3, Block(Request()) + std::string(16000, '\xbe'))));
  EXPECT_EQ(stats_.header_overflow.value(), 1) << "the limit, but not also what was read on beyond it";
  ExpectCalm("http2.header_list_too_large");
}

TEST_F(H2ServerFloodTest, HpackBombOfSmallFields) {
  Start();
  EXPECT_FALSE(Feed(Frame(NGHTTP2_HEADERS, kEnds, 1, Block(Request()) + std::string(16000, '\x90'))));
  ExpectCalm("http2.header_list_too_large");
}

}  // namespace
}  // namespace nuncio::http::h2
