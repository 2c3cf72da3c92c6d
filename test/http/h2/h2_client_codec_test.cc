#include "source/http/h2/h2_client_codec.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/http/h2/client_fixture.h"

namespace nuncio::http::h2 {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Pair;

class H2ClientCodecTest : public ClientFixture {};

// Input may be cut anywhere.
class H2ClientSplitTest : public ClientFixture, public testing::WithParamInterface<size_t> {};
INSTANTIATE_TEST_SUITE_P(Steps, H2ClientSplitTest, testing::Values(0, 1, 2, 3, 5, 7, 9, 10, 13, 17, 64, 1000, 16393));

TEST_P(H2ClientSplitTest, WholeExchange) {
  Start();
  RecordingReceiver receiver = Receiver();
  RequestSender& sender = BeginPost(receiver, "/upload?x=1");
  Send(sender, "hello ", false);
  Send(sender, "world", true);
  ASSERT_TRUE(Exchange(GetParam()));
  const ServerPeer::Request& request = peer_->requests[1];
  EXPECT_THAT(request.headers, ElementsAre(Pair(":method", "POST"), Pair(":scheme", "http"),
                                           Pair(":path", "/upload?x=1"), Pair(":authority", "example.com")));
  EXPECT_EQ(request.body, "hello world");
  EXPECT_TRUE(request.ended);

  peer_->Informational(1, {{":status", "103"}, {"link", "</a.css>"}});
  peer_->Respond(1, {{":status", "200"}, {"server", "peer"}, {"x-a", "1"}}, false);
  std::string body(40000, 'b');
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 23);
  peer_->Body(1, body, false);
  peer_->Trailers(1, {{"grpc-status", "0"}});
  ASSERT_TRUE(Exchange(GetParam()));
  EXPECT_THAT(receiver.informational, ElementsAre(103));
  EXPECT_EQ(receiver.status, 200);
  EXPECT_EQ(receiver.protocol, Protocol::kHttp2);
  EXPECT_THAT(receiver.headers, ElementsAre(Pair("server", "peer"), Pair("x-a", "1")));
  EXPECT_TRUE(receiver.body == body);
  EXPECT_THAT(receiver.trailers, ElementsAre(Pair("grpc-status", "0")));
  EXPECT_TRUE(receiver.done);
  EXPECT_FALSE(receiver.reset.has_value());
  EXPECT_EQ(events_.closed, 1);
  EXPECT_EQ(codec_->active_streams(), 0);
  EXPECT_TRUE(codec_->reusable());
  EXPECT_FALSE(peer_->requests[1].reset);
}

TEST_P(H2ClientSplitTest, AnswerWithoutBody) {
  Start();
  RecordingReceiver receiver = Receiver();
  Get(receiver);
  Exchange(GetParam());
  EXPECT_TRUE(peer_->requests[1].ended);
  peer_->Respond(1, {{":status", "204"}}, true);
  ASSERT_TRUE(Exchange(GetParam()));
  EXPECT_EQ(receiver.status, 204);
  EXPECT_TRUE(receiver.done);
  EXPECT_EQ(receiver.data_events, 0);
  EXPECT_EQ(events_.closed, 1);
}

TEST_F(H2ClientCodecTest, FieldsOfTheConnectionStayBehindAndNamesAreLowered) {
  Start();
  RecordingReceiver receiver = Receiver();
  RequestHead& head = Head(receiver, "GET", "/",
                           {{"X-Mixed-Case", "Value"},
                            {"Connection", "keep-alive"},
                            {"keep-alive", "5"},
                            {"proxy-connection", "close"},
                            {"transfer-encoding", "chunked"},
                            {"upgrade", "websocket"},
                            {"http2-settings", "AA"},
                            {"TE", "gzip;q=0.5, Trailers"},
                            {"te", "trailers"},
                            {"cookie", "a=b; c=d"}});
  head.scheme = "https";
  codec_->NewStream(receiver).SendHead(head, true);
  Exchange();
  EXPECT_THAT(peer_->requests[1].headers,
              ElementsAre(Pair(":method", "GET"), Pair(":scheme", "https"), Pair(":path", "/"),
                          Pair(":authority", "example.com"), Pair("x-mixed-case", "Value"), Pair("te", "trailers"),
                          Pair("cookie", "a=b; c=d")));
}

TEST_F(H2ClientCodecTest, TeWithoutTrailersStaysBehind) {
  Start();
  RecordingReceiver receiver = Receiver();
  codec_->NewStream(receiver).SendHead(Head(receiver, "GET", "/", {{"te", "deflate"}}), true);
  Exchange();
  EXPECT_EQ(peer_->requests[1].Header("te"), "<none>");
}

TEST_F(H2ClientCodecTest, ConnectHasNeitherSchemeNorPath) {
  Start();
  RecordingReceiver receiver = Receiver();
  RequestHead& head = Head(receiver, "CONNECT", "");
  codec_->NewStream(receiver).SendHead(head, false);
  Exchange();
  EXPECT_THAT(peer_->requests[1].headers, ElementsAre(Pair(":method", "CONNECT"), Pair(":authority", "example.com")));
}

TEST_F(H2ClientCodecTest, TrailersFollowTheBody) {
  Start();
  RecordingReceiver receiver = Receiver();
  RequestSender& sender = BeginPost(receiver);
  Send(sender, std::string(100000, 'x'), false);
  HeaderMap trailers(receiver.arena());
  trailers.Add("X-Checksum", "abc");
  trailers.Add("connection", "close");
  sender.SendTrailers(trailers);
  Exchange();
  EXPECT_EQ(peer_->requests[1].body.size(), 100000);
  EXPECT_THAT(peer_->requests[1].trailers, ElementsAre(Pair("x-checksum", "abc")));
  EXPECT_TRUE(peer_->requests[1].ended);
}

TEST_F(H2ClientCodecTest, TrailersWithoutBody) {
  Start();
  RecordingReceiver receiver = Receiver();
  RequestSender& sender = BeginPost(receiver);
  Exchange();
  HeaderMap trailers(receiver.arena());
  trailers.Add("x-t", "1");
  sender.SendTrailers(trailers);
  Exchange();
  EXPECT_THAT(peer_->requests[1].trailers, ElementsAre(Pair("x-t", "1")));
  EXPECT_TRUE(peer_->requests[1].ended);
}

TEST_F(H2ClientCodecTest, TrailersOfOnlyForbiddenFieldsEndTheBody) {
  Start();
  RecordingReceiver receiver = Receiver();
  RequestSender& sender = BeginPost(receiver);
  Send(sender, "abc", false);
  HeaderMap trailers(receiver.arena());
  trailers.Add("transfer-encoding", "chunked");
  sender.SendTrailers(trailers);
  Exchange();
  EXPECT_EQ(peer_->requests[1].body, "abc");
  EXPECT_TRUE(peer_->requests[1].ended);
}

TEST_F(H2ClientCodecTest, OneOutputPerTurn) {
  Start();
  std::vector<std::unique_ptr<RecordingReceiver>> receivers;
  for (int i = 0; i < 10; ++i) {
    receivers.push_back(std::make_unique<RecordingReceiver>(arenas_));
    RequestSender* sender = &BeginPost(*receivers.back());
    receivers.back()->on_event = [this, sender](std::string_view event) {
      if (event == "head") Send(*sender, "body", true);
    };
  }
  Exchange();
  for (int i = 0; i < 10; ++i) peer_->Respond(2 * i + 1, {{":status", "200"}}, false);
  const std::string answers = peer_->Take();
  events_.outputs = 0;
  ASSERT_TRUE(Dispatch(answers));
  EXPECT_EQ(events_.outputs, 1);
  Exchange();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(peer_->requests[2 * i + 1].body, "body");
}

TEST_F(H2ClientCodecTest, DataOfOneReadComesInOneEvent) {
  Start();
  RecordingReceiver receiver = Receiver();
  Get(receiver);
  Exchange();
  peer_->Respond(1, {{":status", "200"}}, false);
  peer_->Body(1, std::string(60000, 'x'), true);
  Exchange();
  EXPECT_EQ(receiver.body_bytes, 60000);
  EXPECT_EQ(receiver.data_events, 1);
}

TEST_F(H2ClientCodecTest, UploadThroughSmallWindows) {
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

TEST_F(H2ClientCodecTest, UploadWaitsForTheServersCredit) {
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

TEST_F(H2ClientCodecTest, DownloadThroughSmallWindows) {
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

TEST_F(H2ClientCodecTest, AStalledReaderGetsItsWindowAndNoMore) {
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

TEST_F(H2ClientCodecTest, APauseTakenInTheEventHoldsBackThoseBytes) {
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

TEST_F(H2ClientCodecTest, WhatAResetStreamLeftUnreadIsCredited) {
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

TEST_F(H2ClientCodecTest, AFullWriteBufferHoldsBodiesBack) {
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

TEST_F(H2ClientCodecTest, ARequestResetBeforeItsBodyWasSentNeverTouchesItsMemory) {
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

TEST_F(H2ClientCodecTest, GoAwayRefusesTheStreamsAboveIt) {
  Start();
  RecordingReceiver first = Receiver(), second = Receiver(), third = Receiver();
  Get(first);
  BeginPost(second);
  Get(third);
  Exchange();
  peer_->GoAway(1);
  ASSERT_TRUE(Exchange());
  EXPECT_EQ(events_.goaways, 1);
  EXPECT_FALSE(codec_->can_open_stream());
  EXPECT_FALSE(codec_->reusable());
  EXPECT_FALSE(first.reset.has_value());
  EXPECT_EQ(second.reset, StreamReset::kRemoteRefused);
  EXPECT_EQ(third.reset, StreamReset::kRemoteRefused);
  EXPECT_EQ(codec_->active_streams(), 1);
  EXPECT_EQ(events_.closed, 2);
  peer_->Respond(1, {{":status", "200"}}, true);
  Backward();
  EXPECT_TRUE(first.done);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(codec_->active_streams(), 0);
}

TEST_F(H2ClientCodecTest, ARequestThatTheGoAwayOvertookIsRefused) {
  Start();
  RecordingReceiver first = Receiver();
  Get(first);
  Exchange();
  codec_->OnSendBufferHigh();
  RecordingReceiver late = Receiver();
  Get(late);
  peer_->GoAway(1);
  Backward();
  codec_->OnSendBufferLow();
  EXPECT_EQ(late.reset, StreamReset::kRemoteRefused);
  EXPECT_EQ(codec_->active_streams(), 1);
}

TEST_F(H2ClientCodecTest, ResetsAreToldByTheirCause) {
  Start();
  RecordingReceiver refused = Receiver(), cancelled = Receiver(), no_error = Receiver();
  Get(refused);
  Get(cancelled);
  BeginPost(no_error);
  Exchange();
  peer_->Reset(1, NGHTTP2_REFUSED_STREAM);
  peer_->Reset(3, NGHTTP2_CANCEL);
  peer_->Reset(5, NGHTTP2_NO_ERROR);
  ASSERT_TRUE(Exchange());
  EXPECT_EQ(refused.reset, StreamReset::kRemoteRefused);
  EXPECT_EQ(refused.details, "http2.remote_refuse");
  EXPECT_EQ(cancelled.reset, StreamReset::kRemote);
  EXPECT_EQ(cancelled.details, "http2.remote_reset");
  EXPECT_EQ(no_error.reset, StreamReset::kRemote);
  EXPECT_EQ(events_.closed, 3);
  EXPECT_TRUE(codec_->reusable());
}

TEST_F(H2ClientCodecTest, TheServersLimitOfStreamsCounts) {
  Start({}, {.max_concurrent_streams = 2});
  EXPECT_EQ(codec_->max_streams(), 100);
  codec_->Start();
  ASSERT_TRUE(Exchange());
  EXPECT_THAT(events_.max_streams, ElementsAre(2));
  RecordingReceiver first = Receiver(), second = Receiver();
  EXPECT_TRUE(codec_->can_open_stream());
  Get(first);
  EXPECT_TRUE(codec_->can_open_stream());
  Get(second);
  EXPECT_FALSE(codec_->can_open_stream());
  Exchange();
  peer_->Respond(1, {{":status", "200"}}, true);
  ASSERT_TRUE(Exchange());
  EXPECT_TRUE(codec_->can_open_stream());
  peer_->Settings({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1}});
  ASSERT_TRUE(Exchange());
  EXPECT_THAT(events_.max_streams, ElementsAre(2, 1));
  EXPECT_FALSE(codec_->can_open_stream());
}

TEST_F(H2ClientCodecTest, WhatTheServerIsTakenToAllowHoldsUntilItSaysMore) {
  Start();
  codec_->set_assumed_streams(1);
  EXPECT_EQ(codec_->max_streams(), 1);
  EXPECT_FALSE(codec_->limit_known());
  RecordingReceiver first = Receiver();
  Get(first);
  EXPECT_FALSE(codec_->can_open_stream());
  ASSERT_TRUE(Exchange());
  EXPECT_TRUE(codec_->limit_known());
  EXPECT_EQ(events_.max_streams.size(), 1u);
  EXPECT_TRUE(codec_->can_open_stream());
}

TEST_F(H2ClientCodecTest, OurOwnLimitOfStreamsCounts) {
  H2Options options;
  options.max_concurrent_streams = 1;
  Start(options);
  RecordingReceiver first = Receiver();
  Get(first);
  ASSERT_TRUE(Exchange());
  EXPECT_FALSE(codec_->can_open_stream());
}

TEST_F(H2ClientCodecTest, AnAnswerThatEndsFirstEndsTheRequest) {
  Start();
  RecordingReceiver receiver = Receiver();
  RequestSender& sender = BeginPost(receiver);
  Send(sender, std::string(1000, 'x'), false);
  Exchange();
  peer_->Respond(1, {{":status", "413"}}, false);
  peer_->Body(1, "too large", true);
  receiver.on_event = [&](std::string_view event) {
    // Too late, but harmless.
    if (event == "data") Send(sender, "more", false);
  };
  ASSERT_TRUE(Exchange());
  EXPECT_EQ(receiver.status, 413);
  EXPECT_EQ(receiver.body, "too large");
  EXPECT_TRUE(receiver.done);
  EXPECT_FALSE(receiver.reset.has_value());
  EXPECT_EQ(events_.closed, 1);
  EXPECT_TRUE(peer_->requests[1].reset);
  EXPECT_EQ(peer_->requests[1].reset_code, NGHTTP2_CANCEL);
  EXPECT_TRUE(codec_->reusable());
}

TEST_F(H2ClientCodecTest, AnAnswerEndsARequestWhoseEndStillWaits) {
  Start({}, {.stream_window = 100, .credit = false});
  codec_->Start();
  Exchange();
  RecordingReceiver receiver = Receiver();
  RequestSender& sender = BeginPost(receiver);
  Send(sender, std::string(1000, 'x'), true);
  Exchange();
  EXPECT_EQ(peer_->data_received, 100);
  peer_->Respond(1, {{":status", "200"}}, true);
  ASSERT_TRUE(Exchange());
  EXPECT_TRUE(receiver.done);
  EXPECT_EQ(codec_->active_streams(), 0);
  EXPECT_TRUE(peer_->requests[1].reset);
}

TEST_F(H2ClientCodecTest, ATunnelsLastBytesLeaveWithoutItsReceiver) {
  for (const bool server_first : {true, false}) {
    SCOPED_TRACE(server_first);
    events_.closed = 0;
    Start({}, {.stream_window = 100, .credit = false});
    codec_->Start();
    Exchange();
    auto receiver = std::make_unique<RecordingReceiver>(arenas_);
    RequestSender& sender = codec_->NewStream(*receiver);
    sender.SendHead(Head(*receiver, "CONNECT", ""), false);
    Exchange();
    peer_->Respond(1, {{":status", "200"}}, false);
    ASSERT_TRUE(Exchange());
    if (server_first) peer_->Body(1, "bye", true);
    ASSERT_TRUE(Exchange());
    Send(sender, std::string(1000, 'x'), true);
    if (!server_first) peer_->Body(1, "bye", true);
    ASSERT_TRUE(Exchange());
    EXPECT_TRUE(receiver->done);
    EXPECT_FALSE(receiver->reset.has_value());
    // Its owner has heard of both ends.
    receiver.reset();
    EXPECT_EQ(codec_->active_streams(), 1);
    peer_->Credit(1, 100);
    ASSERT_TRUE(Exchange());
    EXPECT_EQ(peer_->data_received, 200);
    peer_->Reset(1, NGHTTP2_CANCEL);
    ASSERT_TRUE(Exchange());
    EXPECT_EQ(codec_->active_streams(), 0);
    EXPECT_EQ(events_.closed, 1);
  }
}

TEST_F(H2ClientCodecTest, ATunnelsLastBytesDoNotWaitForEver) {
  struct Unattended final : H2ClientEvents {
    void OnPong(uint64_t) override {}
    void OnStreamUnattended() override { ++told; }
    int told = 0;
  } unattended;
  Start({}, {.stream_window = 100, .credit = false});
  codec_->set_h2_events(&unattended);
  codec_->Start();
  Exchange();
  // The third has somebody who waits for its end.
  RecordingReceiver receivers[] = {Receiver(), Receiver(), Receiver()};
  RequestSender* senders[3];
  for (int i = 0; i < 3; ++i) {
    senders[i] = &codec_->NewStream(receivers[i]);
    senders[i]->SendHead(Head(receivers[i], "CONNECT", ""), false);
    Exchange();
    peer_->Respond(2 * i + 1, {{":status", "200"}}, false);
    if (i < 2) peer_->Body(2 * i + 1, "bye", true);
    ASSERT_TRUE(Exchange());
    Send(*senders[i], std::string(1000, 'x'), true);
    ASSERT_TRUE(Exchange());
  }
  EXPECT_EQ(unattended.told, 1) << "the first tells of all";
  codec_->ExpireFlushes();
  EXPECT_EQ(codec_->active_streams(), 3) << "they had a period first";
  peer_->Credit(3, 100);
  ASSERT_TRUE(Exchange());
  codec_->ExpireFlushes();
  ASSERT_TRUE(Exchange());
  EXPECT_TRUE(peer_->requests[1].reset);
  EXPECT_EQ(codec_->active_streams(), 2) << "one made progress";
  EXPECT_TRUE(codec_->has_unattended_streams());
  codec_->ExpireFlushes();
  ASSERT_TRUE(Exchange());
  EXPECT_TRUE(peer_->requests[3].reset);
  EXPECT_FALSE(codec_->has_unattended_streams());
  codec_->ExpireFlushes();
  EXPECT_EQ(codec_->active_streams(), 1);
  EXPECT_FALSE(receivers[2].reset.has_value());
  EXPECT_EQ(stats_.tx_flush_timeout.value(), 2);
}

TEST_F(H2ClientCodecTest, TooManyOrTooLargeFieldsResetTheStreamAlone) {
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

TEST_F(H2ClientCodecTest, EndlessInformationalAnswersResetTheStream) {
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

TEST_F(H2ClientCodecTest, AViolationIsToldToAPeerThatDoesNotRead) {
  Start();
  RecordingReceiver receiver = Receiver();
  Get(receiver);
  Exchange();
  codec_->OnSendBufferHigh();
  EXPECT_FALSE(Dispatch(ServerPeer::Frame(NGHTTP2_PING, 0, 0, "abc")));
  EXPECT_EQ(receiver.reset, StreamReset::kProtocolError);
}

TEST_F(H2ClientCodecTest, PingsThatNobodyReadsAnswersToEndTheConnection) {
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

TEST_F(H2ClientCodecTest, PingsComeBack) {
  struct Pongs final : H2ClientEvents {
    void OnPong(uint64_t opaque) override { seen.push_back(opaque); }
    void OnStreamUnattended() override { ADD_FAILURE(); }
    std::vector<uint64_t> seen;
  } pongs;
  Start();
  codec_->set_h2_events(&pongs);
  codec_->SendPing(0x0123456789abcdef);
  codec_->SendPing(7);
  ASSERT_TRUE(Exchange());
  EXPECT_EQ(peer_->pings.size(), 2);
  EXPECT_THAT(pongs.seen, ElementsAre(0x0123456789abcdef, 7));
}

TEST_F(H2ClientCodecTest, SettingsAreWhatWasAskedFor) {
  H2Options options;
  options.initial_stream_window_size = 100000;
  options.initial_connection_window_size = 200000;
  Start(options);
  RecordingReceiver receiver = Receiver();
  Get(receiver);
  Exchange();
  EXPECT_EQ(peer_->stream_window_left(1), 100000);
  EXPECT_EQ(peer_->connection_window_left(), 200000);
  EXPECT_EQ(peer_->settings_acks, 1);
}

TEST_F(H2ClientCodecTest, TheEndOfTheConnectionEndsItsStreams) {
  for (const bool fin : {true, false}) {
    Start();
    events_.closed = 0;
    RecordingReceiver receiver = Receiver(), unanswered = Receiver();
    Get(receiver);
    Get(unanswered);
    Exchange();
    peer_->Respond(1, {{":status", "200"}}, false);
    peer_->Body(1, "part", false);
    Backward();
    if (fin) {
      codec_->OnEndOfInput();
    } else {
      codec_->OnConnectionClosed();
    }
    EXPECT_EQ(receiver.body, "part");
    EXPECT_EQ(receiver.reset, StreamReset::kConnectionClosed);
    EXPECT_EQ(receiver.details, "http2.connection_closed");
    EXPECT_EQ(unanswered.reset, StreamReset::kConnectionClosed);
    EXPECT_EQ(unanswered.details, kConnectionTermination);
    EXPECT_EQ(events_.closed, 2);
    EXPECT_FALSE(codec_->can_open_stream());
    codec_->OnConnectionClosed();
  }
}

TEST_F(H2ClientCodecTest, TheConnectionMayEndWithinAnEvent) {
  Start();
  RecordingReceiver first = Receiver(), second = Receiver();
  Get(first);
  Get(second);
  Exchange();
  peer_->Respond(1, {{":status", "200"}}, false);
  peer_->Respond(3, {{":status", "200"}}, true);
  first.on_event = [&](std::string_view event) {
    if (event == "head") codec_->OnConnectionClosed();
  };
  EXPECT_FALSE(Backward());
  EXPECT_EQ(first.reset, StreamReset::kConnectionClosed);
  EXPECT_EQ(second.reset, StreamReset::kConnectionClosed);
  EXPECT_EQ(second.status, 0);
}

// A receiver may give up in any event; a new request may begin there.
class H2ResetInEventTest : public ClientFixture, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Events, H2ResetInEventTest, testing::Values("informational", "head", "data", "trailers"));

TEST_P(H2ResetInEventTest, NothingFollows) {
  Start();
  RecordingReceiver receiver = Receiver(), next = Receiver();
  RequestSender& sender = BeginPost(receiver);
  Exchange();
  bool given_up = false;
  receiver.on_event = [&](std::string_view event) {
    EXPECT_FALSE(given_up) << event << " after the end";
    if (event != GetParam()) return;
    given_up = true;
    sender.Reset(StreamReset::kLocal);
    sender.Reset(StreamReset::kLocal);
    Send(sender, "in vain", false);
    Get(next);
  };
  peer_->Informational(1, {{":status", "103"}});
  peer_->Respond(1, {{":status", "200"}}, false);
  peer_->Body(1, std::string(100, 'x'), false);
  const std::string answer = peer_->Take();
  peer_->Trailers(1, {{"x", "y"}});
  ASSERT_TRUE(Dispatch(answer + peer_->Take()));
  EXPECT_TRUE(given_up);
  EXPECT_FALSE(receiver.reset.has_value());
  EXPECT_EQ(events_.closed, 1);
  Exchange();
  EXPECT_TRUE(peer_->requests[3].ended);
  EXPECT_EQ(codec_->active_streams(), 1);
}

TEST_F(H2ClientCodecTest, ANewStreamInPlaceOfTheLast) {
  Start({}, {.max_concurrent_streams = 1});
  std::vector<std::unique_ptr<RecordingReceiver>> receivers;
  auto open = [&] {
    receivers.push_back(std::make_unique<RecordingReceiver>(arenas_));
    Get(*receivers.back());
  };
  codec_->Start();
  Exchange();
  events_.on_closed = [&] {
    EXPECT_TRUE(codec_->can_open_stream());
    if (receivers.size() < 20) open();
  };
  open();
  for (int i = 0; i < 20; ++i) {
    Exchange();
    if (i % 3 == 2) {
      peer_->Reset(2 * i + 1, NGHTTP2_REFUSED_STREAM);
    } else {
      peer_->Respond(2 * i + 1, {{":status", "200"}}, true);
    }
    ASSERT_TRUE(Exchange());
  }
  EXPECT_EQ(events_.closed, 20);
  EXPECT_EQ(codec_->active_streams(), 0);
}

TEST_F(H2ClientCodecTest, APoliteEnd) {
  Start();
  RecordingReceiver receiver = Receiver();
  Get(receiver);
  Exchange();
  peer_->Respond(1, {{":status", "200"}}, true);
  Exchange();
  codec_->SendGoAway();
  Forward();
  EXPECT_EQ(peer_->goaways, 1);
  EXPECT_EQ(peer_->goaway_code, NGHTTP2_NO_ERROR);
  EXPECT_FALSE(codec_->can_open_stream());
}

TEST_F(H2ClientCodecTest, NothingIsLeftInThePools) {
  Start();
  {
    RecordingReceiver receiver = Receiver();
    RequestSender& sender = BeginPost(receiver);
    Send(sender, std::string(200000, 'x'), false);
    Exchange();
    codec_->OnConnectionClosed();
  }
  codec_.reset();
  out_.Clear();
  EXPECT_EQ(pools_.memory.blocks_in_use(), 0);
  EXPECT_EQ(slices_.bytes_in_use(), 0);
}

}  // namespace
}  // namespace nuncio::http::h2
