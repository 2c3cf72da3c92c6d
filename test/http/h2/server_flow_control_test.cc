// Windows, back-pressure and slow readers, in both directions.
#include <string>

#include "test/http/h2/server_fixture.h"

namespace nuncio::http::h2 {
namespace {

const std::string kOpen = Headers(1, Request("POST"), kEndHeaders);

class H2ServerFlowTest : public ServerFixture {
 protected:
  static H2Options SmallWindows() {
    H2Options options;
    options.initial_stream_window_size = 65535;
    options.initial_connection_window_size = 100000;
    return options;
  }
  // Sum of WINDOW_UPDATEs for a stream, or the connection.
  static uint64_t Credit(const std::vector<ParsedFrame>& frames, uint32_t stream_id) {
    uint64_t credit = 0;
    for (const ParsedFrame& frame : frames) {
      if (frame.type == NGHTTP2_WINDOW_UPDATE && frame.stream_id == stream_id) credit += frame.Number(0);
    }
    return credit;
  }
};

TEST_F(H2ServerFlowTest, APausedStreamGetsItsWindowAndNoMoreAndHoldsUpNobody) {
  Start(SmallWindows());
  ASSERT_TRUE(Feed(kOpen + Headers(3, Request("POST"), kEndHeaders)));
  request(0).keep_body = request(1).keep_body = false;
  request(0).sender().PauseReading(true);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(Feed(Data(1, std::string(15000, 'x'))));
  auto frames = Sent();
  EXPECT_EQ(request(0).body_bytes, 60000);
  EXPECT_EQ(Credit(frames, 1), 0);
  EXPECT_GE(Credit(frames, 0), 50000u) << "the connection's window is not the stream's to hold";

  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(Feed(Data(3, std::string(15000, 'y'))));
  }
  EXPECT_EQ(request(1).body_bytes, 100 * 15000);
  Sent();
  request(0).sender().PauseReading(false);
  EXPECT_EQ(Credit(Sent(), 1), 60000);
}

TEST_F(H2ServerFlowTest, WhatPausedStreamsHoldTogetherIsBounded) {
  H2Options options = SmallWindows();
  Start(options);
  // The connection's window, and once more as much.
  uint64_t window = 100000;
  uint64_t sent = 0;
  for (uint32_t id = 1; id < 41; id += 2) {
    ASSERT_TRUE(Feed(Headers(id, Request("POST"), kEndHeaders)));
    request(request_count() - 1).keep_body = false;
    request(request_count() - 1).sender().PauseReading(true);
    uint64_t stream_window = 65535;
    while (window > 0 && stream_window > 0) {
      const uint64_t n = std::min<uint64_t>({16384, window, stream_window});
      ASSERT_TRUE(Feed(Data(id, std::string(n, 'x'))));
      window -= n;
      stream_window -= n;
      sent += n;
      window += Credit(Sent(), 0);
    }
  }
  EXPECT_GE(sent, 150000u);
  EXPECT_LE(sent, 2 * 100000u + 65535);
  EXPECT_EQ(window, 0);
  // Whoever goes on, or goes, frees what it held.
  ASSERT_TRUE(Feed(RstStream(1, NGHTTP2_CANCEL)));
  EXPECT_GE(Credit(Sent(), 0), 50000u);
}

TEST_F(H2ServerFlowTest, WhatIsNotReadIsCredited) {
  Start(SmallWindows());
  uint64_t window = 100000;
  for (uint32_t id = 1; id < 100; id += 2) {
    ASSERT_GE(window, 40000u) << "stream " << id;
    ASSERT_TRUE(Feed(Headers(id, Request("POST"), kEndHeaders)));
    ServedRequest& request = this->request(request_count() - 1);
    request.sender().PauseReading(true);
    ASSERT_TRUE(Feed(Data(id, std::string(16000, 'x'))));
    switch (id % 8) {
      case 1:
        request.sender().Reset(StreamReset::kLocal);
        break;
      case 3:
        request.Answer(200, {}, "early");
        codec_->EndAnswered();
        break;
      case 5:
        ASSERT_TRUE(Feed(RstStream(id, NGHTTP2_CANCEL)));
        break;
      default:
        break;  // Malformed below.
    }
    if (id % 8 == 7) {
      ASSERT_TRUE(Feed(Headers(id, {{":status", "200"}})));
    } else if (id % 8 != 5) {
      ASSERT_TRUE(Feed(Data(id, std::string(16000, 'x'))));
      window -= 16000;
    }
    window -= 16000;
    window += Credit(Sent(), 0);
  }
}

TEST_F(H2ServerFlowTest, PaddingIsCredited) {
  Start(SmallWindows());
  ASSERT_TRUE(Feed(kOpen));
  uint64_t credit = 0;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(Feed(Frame(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1, "\xff" + std::string("d") + std::string(255, '\0'))));
    credit += Credit(Sent(), 1);
  }
  EXPECT_EQ(request(0).body_bytes, 1000);
  EXPECT_GE(credit, 1000u * 257 - 65535);
}

TEST_F(H2ServerFlowTest, AnAnswerWaitsForTheClientsWindow) {
  Start();
  ASSERT_TRUE(Feed(Headers(1, Request())));
  request(0).SendHead(200, {}, false);
  request(0).Send(std::string(1000000, 'x'), false);
  EXPECT_EQ(BodyOf(Sent(), 1).size(), 65535);
  EXPECT_EQ(request(0).high, 0) << "less than the mark waits";
  EXPECT_EQ(stats_.pending_send_bytes.value(), 1000000 - 65535);
  request(0).Send(std::string(200000, 'x'), false);
  EXPECT_EQ(request(0).high, 1);
  ASSERT_TRUE(Feed(WindowUpdate(0, 1 << 30) + WindowUpdate(1, 500000)));
  EXPECT_EQ(BodyOf(Sent(), 1).size(), 500000);
  EXPECT_EQ(request(0).low, 0);
  ASSERT_TRUE(Feed(WindowUpdate(1, 200000)));
  EXPECT_EQ(request(0).low, 1);
}

TEST_F(H2ServerFlowTest, StreamsTogetherAreBoundedToo) {
  Start();
  constexpr int kStreams = 50;
  for (uint32_t i = 0; i < kStreams; ++i) {
    ASSERT_TRUE(Feed(Headers(2 * i + 1, Request())));
    request(i).SendHead(200, {}, false);
  }
  // Each sender writes until it is told to stop; the client opens no window.
  bool writing = true;
  for (int round = 0; round < 1000 && writing; ++round) {
    writing = false;
    for (int i = 0; i < kStreams; ++i) {
      if (request(i).high > request(i).low) continue;
      writing = true;
      request(i).Send(std::string(10000, 'x'), false);
      request(i).keep_body = false;
    }
  }
  EXPECT_FALSE(writing);
  EXPECT_LE(stats_.pending_send_bytes.value(), (1 << 20) + kStreams * 30000);
  // A window opens: those that waited go on.
  ASSERT_TRUE(Feed(WindowUpdate(0, 1 << 30)));
  for (uint32_t i = 0; i < kStreams; ++i) ASSERT_TRUE(Feed(WindowUpdate(2 * i + 1, 1 << 20)));
  for (int i = 0; i < kStreams; ++i) EXPECT_EQ(request(i).high, request(i).low) << i;
  EXPECT_EQ(stats_.pending_send_bytes.value(), 0);
}

TEST_F(H2ServerFlowTest, AFullWriteBufferHoldsBodiesBack) {
  Start();
  ASSERT_TRUE(Feed(Headers(1, Request()) + Headers(3, Request())));
  codec_->OnSendBufferHigh();
  request(0).SendHead(200, {}, false);
  request(0).Send(std::string(5000, 'x'), false);
  request(0).Send(std::string(50000, 'x'), true);
  request(0).DropArena();
  request(1).Answer(204, {}, "");
  request(1).DropArena();
  auto frames = Sent();
  EXPECT_EQ(BodyOf(frames, 1), "");
  EXPECT_NE(Find(frames, NGHTTP2_HEADERS, 1), nullptr);
  EXPECT_NE(Find(frames, NGHTTP2_HEADERS, 3), nullptr);
  codec_->OnSendBufferLow();
  frames = Sent();
  EXPECT_EQ(BodyOf(frames, 1).size(), 55000);
  EXPECT_EQ(codec_->active_streams(), 0);
}

TEST_F(H2ServerFlowTest, TrailersWaitForTheBodyAndOutliveTheirOwner) {
  Start({}, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 3}});
  ASSERT_TRUE(Feed(Headers(1, Request())));
  request(0).SendHead(200, {}, false);
  request(0).Send("abcdef", false);
  request(0).SendTrailers({{"Grpc-Status", "0"}, {"x", "y"}});
  request(0).DropArena();
  EXPECT_EQ(BodyOf(Sent(), 1), "abc");
  ASSERT_TRUE(Feed(WindowUpdate(1, 3)));
  const auto frames = Sent();
  EXPECT_EQ(BodyOf(frames, 1), "def");
  const ParsedFrame* trailers = Find(frames, NGHTTP2_HEADERS, 1);
  ASSERT_NE(trailers, nullptr);
  EXPECT_EQ(trailers->Field("grpc-status"), "0");
  EXPECT_EQ(trailers->flags, kEnds);
}

TEST_F(H2ServerFlowTest, TrailersNeedNoWindow) {
  Start({}, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 3}});
  ASSERT_TRUE(Feed(Headers(1, Request())));
  request(0).SendHead(200, {}, false);
  request(0).Send("abc", false);
  Sent();
  request(0).SendTrailers({{"grpc-status", "0"}});
  EXPECT_NE(Find(Sent(), NGHTTP2_HEADERS, 1), nullptr);
  EXPECT_EQ(codec_->active_streams(), 0);
}

// A client that never opens its window would keep answers for ever.
TEST_F(H2ServerFlowTest, AnswersThatDoNotLeaveExpire) {
  Start({}, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0}});
  ASSERT_TRUE(Feed(Headers(1, Request()) + Headers(3, Request()) + Headers(5, Request())));
  request(0).Answer(200, {}, "abcdef");
  request(1).Answer(200, {}, "abcdef");
  request(2).SendHead(200, {}, false);
  request(2).Send("abcdef", false);
  request(0).DropArena();
  request(1).DropArena();
  Sent();
  codec_->ExpireFlushes();
  EXPECT_EQ(codec_->active_streams(), 3) << "they had a period first";
  ASSERT_TRUE(Feed(WindowUpdate(3, 1)));
  Sent();
  codec_->ExpireFlushes();
  auto frames = Sent();
  const ParsedFrame* reset = Find(frames, NGHTTP2_RST_STREAM, 1);
  ASSERT_NE(reset, nullptr);
  EXPECT_EQ(reset->Number(0), NGHTTP2_CANCEL);
  EXPECT_EQ(codec_->active_streams(), 2) << "one made progress, one is its owner's business";
  EXPECT_EQ(stats_.tx_flush_timeout.value(), 1);
  codec_->ExpireFlushes();
  EXPECT_EQ(codec_->active_streams(), 1);
  EXPECT_FALSE(request(2).reset.has_value());
  EXPECT_EQ(stats_.tx_flush_timeout.value(), 2);
}

TEST_F(H2ServerFlowTest, AWindowOfOneByte) {
  Start({}, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1}});
  ASSERT_TRUE(Feed(Headers(1, Request())));
  const std::string body(500, 'x');
  request(0).Answer(200, {}, body);
  std::string received = BodyOf(Sent(), 1);
  while (received.size() < body.size()) {
    ASSERT_TRUE(Feed(WindowUpdate(1, 1)));
    const std::string more = BodyOf(Sent(), 1);
    ASSERT_EQ(more.size(), 1);
    received += more;
  }
  EXPECT_EQ(codec_->active_streams(), 0);
}

}  // namespace
}  // namespace nuncio::http::h2
