#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "source/http/h2/h2_client_codec.h"
#include "test/http/h2/client_fixture.h"

// Windows, pauses and marks of the client's side: who waits for whom, and what that may cost.
namespace nuncio::http::h2 {
namespace {

class H2ClientFlowTest : public ClientFixture {};

TEST_F(H2ClientFlowTest, UploadThroughSmallWindows) {
  Start();
  RecordingReceiver receiver = Receiver();
  RequestSender& sender = BeginPost(receiver);
  constexpr size_t kTotal = 10 << 20;
  std::string sent;
  bool writing = true;
  receiver.on_event = [&](std::string_view event) {
    if (event == "high") writing = false;
    if (event == "low") writing = true;
  };
  size_t most = 0;
  while (sent.size() < kTotal) {
    while (writing && sent.size() < kTotal) {
      std::string piece(50000, static_cast<char>('a' + sent.size() % 26));
      piece.resize(std::min(piece.size(), kTotal - sent.size()));
      sent += piece;
      Send(sender, piece, sent.size() == kTotal);
    }
    most = std::max(most, slices_.bytes_in_use());
    Exchange();
  }
  Exchange();
  EXPECT_GT(receiver.high, 0);
  EXPECT_EQ(receiver.high, receiver.low);
  EXPECT_TRUE(peer_->requests[1].ended);
  EXPECT_TRUE(peer_->requests[1].body == sent);
  // Slices that are partly filled count whole.
  EXPECT_LT(most, 2 * options_.send_buffer_high);
}

TEST_F(H2ClientFlowTest, UploadWaitsForTheServersCredit) {
  Start({}, {.stream_window = 65535, .credit = false});
  RecordingReceiver receiver = Receiver();
  RequestSender& sender = BeginPost(receiver);
  Send(sender, std::string(200000, 'x'), true);
  Exchange();
  EXPECT_EQ(peer_->data_received, 65535);
  EXPECT_FALSE(peer_->requests[1].ended);
  peer_->Credit(1, 65535);
  Exchange();
  EXPECT_EQ(peer_->data_received, 131070);
  peer_->Credit(1, 65535);
  Exchange();
  peer_->Credit(1, 65535);
  Exchange();
  EXPECT_EQ(peer_->data_received, 200000);
  EXPECT_TRUE(peer_->requests[1].ended);
}

TEST_F(H2ClientFlowTest, DownloadThroughSmallWindows) {
  H2Options options;
  options.initial_stream_window_size = 65535;
  options.initial_connection_window_size = 65535;
  Start(options);
  RecordingReceiver receiver = Receiver();
  receiver.keep_body = false;
  Get(receiver);
  Exchange();
  peer_->Respond(1, {{":status", "200"}}, false);
  peer_->Body(1, std::string(10 << 20, 'x'), true);
  ASSERT_TRUE(Exchange());
  EXPECT_EQ(receiver.body_bytes, 10 << 20);
  EXPECT_TRUE(receiver.done);
}

TEST_F(H2ClientFlowTest, AStalledReaderGetsItsWindowAndNoMore) {
  H2Options options;
  options.initial_stream_window_size = 70000;
  options.initial_connection_window_size = 100000;
  Start(options);
  RecordingReceiver stalled = Receiver();
  stalled.keep_body = false;
  RequestSender& sender = Get(stalled, "/stalled");
  RecordingReceiver other = Receiver();
  other.keep_body = false;
  Get(other, "/other");
  Exchange();
  sender.PauseReading(true);
  sender.PauseReading(true);
  peer_->Respond(1, {{":status", "200"}}, false);
  peer_->Body(1, std::string(1 << 20, 'x'), true);
  peer_->Respond(3, {{":status", "200"}}, false);
  peer_->Body(3, std::string(1 << 20, 'y'), true);
  ASSERT_TRUE(Exchange());
  EXPECT_EQ(stalled.body_bytes, 70000);
  EXPECT_EQ(peer_->stream_window_left(1), 0);
  // The connection's window is not the stalled stream's to hold.
  EXPECT_EQ(other.body_bytes, 1 << 20);
  EXPECT_TRUE(other.done);

  sender.PauseReading(false);
  ASSERT_TRUE(Exchange());
  EXPECT_EQ(stalled.body_bytes, 70000) << "one pause is left";
  sender.PauseReading(false);
  ASSERT_TRUE(Exchange());
  EXPECT_EQ(stalled.body_bytes, 1 << 20);
  EXPECT_TRUE(stalled.done);
}

TEST_F(H2ClientFlowTest, APauseTakenInTheEventHoldsBackThoseBytes) {
  H2Options options;
  options.initial_stream_window_size = 65535;
  Start(options);
  RecordingReceiver receiver = Receiver();
  receiver.keep_body = false;
  RequestSender& sender = Get(receiver);
  bool paused = false;
  receiver.on_event = [&](std::string_view event) {
    if (event == "data" && !paused) sender.PauseReading(paused = true);
  };
  Exchange();
  peer_->Respond(1, {{":status", "200"}}, false);
  peer_->Body(1, std::string(1 << 20, 'x'), true);
  int rounds = 0;
  while (!receiver.done && rounds < 100) {
    const size_t before = receiver.body_bytes;
    ASSERT_TRUE(Exchange());
    EXPECT_LE(receiver.body_bytes - before, 65535u);
    ++rounds;
    // The next event pauses again.
    if (!receiver.done) sender.PauseReading(paused = false);
  }
  EXPECT_EQ(receiver.body_bytes, 1 << 20);
  EXPECT_GE(rounds, 17);
}

TEST_F(H2ClientFlowTest, WhatAResetStreamLeftUnreadIsCredited) {
  H2Options options;
  options.initial_stream_window_size = 65535;
  options.initial_connection_window_size = 65535;
  Start(options);
  for (int i = 0; i < 100; ++i) {
    RecordingReceiver receiver = Receiver();
    RequestSender& sender = Get(receiver);
    Exchange();
    const int32_t id = 2 * i + 1;
    peer_->Respond(id, {{":status", "200"}}, false);
    peer_->Body(id, std::string(50000, 'x'), true);
    sender.PauseReading(true);
    const std::string answer = peer_->Take();
    ASSERT_TRUE(Dispatch(std::string_view(answer).substr(0, answer.size() / 2)));
    sender.Reset(StreamReset::kLocal);
    ASSERT_TRUE(Dispatch(std::string_view(answer).substr(answer.size() / 2)));
    Exchange();
    EXPECT_TRUE(peer_->requests[id].reset);
    EXPECT_EQ(peer_->requests[id].reset_code, NGHTTP2_CANCEL);
    EXPECT_FALSE(receiver.reset.has_value());
  }
  EXPECT_EQ(events_.closed, 100);
  RecordingReceiver last = Receiver();
  last.keep_body = false;
  Get(last);
  Exchange();
  peer_->Respond(201, {{":status", "200"}}, false);
  peer_->Body(201, std::string(1 << 20, 'x'), true);
  ASSERT_TRUE(Exchange());
  EXPECT_EQ(last.body_bytes, 1 << 20);
}

TEST_F(H2ClientFlowTest, AFullWriteBufferHoldsBodiesBack) {
  Start();
  codec_->OnSendBufferHigh();
  RecordingReceiver receiver = Receiver();
  RequestSender& sender = BeginPost(receiver);
  Exchange();
  EXPECT_EQ(peer_->requests.size(), 1);
  events_.outputs = 0;
  Send(sender, std::string(10000, 'x'), false);
  EXPECT_EQ(receiver.high, 0) << "a little may wait";
  for (int i = 0; i < 30; ++i) Send(sender, std::string(50000, 'x'), false);
  EXPECT_TRUE(out_.empty());
  EXPECT_EQ(events_.outputs, 0);
  EXPECT_EQ(receiver.high, 1);
  EXPECT_EQ(stats_.pending_send_bytes.value(), 10000 + 30 * 50000);
  codec_->OnSendBufferLow();
  EXPECT_EQ(events_.outputs, 1);
  Exchange();
  EXPECT_EQ(receiver.low, 1);
  EXPECT_EQ(stats_.pending_send_bytes.value(), 0);
  EXPECT_EQ(peer_->data_received, 10000 + 30 * 50000);
}

TEST_F(H2ClientFlowTest, ARequestResetBeforeItsBodyWasSentNeverTouchesItsMemory) {
  Start();
  codec_->OnSendBufferHigh();
  for (int i = 0; i < 5; ++i) {
    auto receiver = std::make_unique<RecordingReceiver>(arenas_);
    RequestSender& sender = BeginPost(*receiver);
    Send(sender, "body", false);
    if (i % 2 == 0) {
      HeaderMap trailers(receiver->arena());
      trailers.Add("x-trailer", "value");
      sender.SendTrailers(trailers);
    }
    sender.Reset(StreamReset::kLocal);
  }
  EXPECT_EQ(events_.closed, 5);
  codec_->OnSendBufferLow();
  ASSERT_TRUE(Exchange());
  for (const auto& [id, request] : peer_->requests) {
    EXPECT_TRUE(request.reset);
    EXPECT_EQ(request.body, "");
    EXPECT_TRUE(request.trailers.empty());
  }
  RecordingReceiver receiver = Receiver();
  Get(receiver);
  ASSERT_TRUE(Exchange());
  EXPECT_TRUE(peer_->requests.rbegin()->second.ended);
}

}  // namespace
}  // namespace nuncio::http::h2
