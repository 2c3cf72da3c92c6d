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
