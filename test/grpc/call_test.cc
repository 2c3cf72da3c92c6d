#include "source/grpc/call.h"

#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "source/base/version.h"
#include "test/grpc/grpc_fixture.h"

namespace nuncio::grpc {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class RecordingEvents final : public CallEvents {
 public:
  void OnHead(const http::HeaderMap& metadata) override {
    for (const http::HeaderField& field : metadata) head.emplace_back(field.name, field.value);
    if (on_event) on_event("head");
  }
  void OnMessage(buffer::Buffer& message) override {
    messages.push_back(message.ToString());
    if (on_event) on_event("message");
  }
  void OnEnd(const Status& status) override {
    EXPECT_FALSE(end.has_value()) << "ended twice";
    end = status;
    if (on_event) on_event("end");
  }
  void OnSendBufferHigh() override { ++high; }
  void OnSendBufferLow() override { ++low; }

  Fields head;
  std::vector<std::string> messages;
  std::optional<Status> end;
  int high = 0;
  int low = 0;
  std::function<void(std::string_view)> on_event;
};

class CallTest : public GrpcFixture {
 protected:
  CallPtr Start(const CallOptions& options = {}) {
    return client_.Start(target_, "/pkg.Service/Method", options, events_);
  }
  void Send(Call& call, std::string_view text) {
    buffer::Buffer message(slices_);
    message.Append(text);
    call.SendMessage(message);
    EXPECT_TRUE(message.empty());
  }
  // With a request at the server.
  CallPtr Open(const CallOptions& options = {}) {
    PutCluster(&server_.address());
    CallPtr call = Start(options);
    EXPECT_TRUE(Until([&] { return server_.connections() > 0 && server_.peer().requests.contains(1); }));
    return call;
  }
  void Answer() {
    server_.peer().Respond(1, {{":status", "200"}, {"content-type", "application/grpc"}, {"x-meta", "1"}}, false);
  }
  bool UntilEnd() {
    return Until([&] { return events_.end.has_value(); });
  }

  RecordingEvents events_;
};

TEST_F(CallTest, MessagesGoBothWaysUntilTheServerEnds) {
  target_.initial_metadata = {{"x-token", "secret"}};
  CallPtr call = Open();
  Send(*call, "first");
  Send(*call, "");
  ASSERT_TRUE(Until([&] { return server_.peer().requests[1].body.size() == 15; }));
  EXPECT_EQ(server_.peer().requests[1].body, Frame("first") + Frame(""));
  EXPECT_THAT(server_.peer().requests[1].headers,
              ElementsAre(testing::Pair(":method", "POST"), testing::Pair(":scheme", "http"),
                          testing::Pair(":path", "/pkg.Service/Method"), testing::Pair(":authority", "control.example"),
                          testing::Pair("te", "trailers"), testing::Pair("content-type", "application/grpc"),
                          testing::Pair("user-agent", StrCat("nuncio/", kVersion)),
                          testing::Pair("x-token", "secret")));
  Answer();
  server_.peer().Body(1, Frame("one") + Frame("two").substr(0, 3), false);
  ASSERT_TRUE(Until([&] { return events_.messages.size() == 1; }));
  EXPECT_THAT(events_.head, testing::Contains(testing::Pair("x-meta", "1")));
  server_.peer().Body(1, Frame("two").substr(3), false);
  ASSERT_TRUE(Until([&] { return events_.messages.size() == 2; }));
  EXPECT_THAT(events_.messages, ElementsAre("one", "two"));
  call->CloseSend();
  ASSERT_TRUE(Until([&] { return server_.peer().requests[1].ended; }));
  server_.peer().Trailers(1, {{"grpc-status", "0"}});
  ASSERT_TRUE(UntilEnd());
  EXPECT_TRUE(events_.end->ok());
  EXPECT_EQ(Stat("upstream_rq_total"), 1);
  EXPECT_EQ(Stat("upstream_rq_200"), 1);
}

TEST_F(CallTest, WhatIsSentBeforeTheConnectionArrives) {
  PutCluster(&server_.address());
  CallPtr call = Start();
  Send(*call, "early");
  call->CloseSend();
  ASSERT_TRUE(Until([&] { return server_.connections() > 0 && server_.peer().requests[1].ended; }));
  EXPECT_EQ(server_.peer().requests[1].body, Frame("early"));
}

TEST_F(CallTest, TheServersStatusAndMessage) {
  CallPtr call = Open();
  Answer();
  server_.peer().Trailers(1, {{"grpc-status", "7"}, {"grpc-message", "not%20you"}});
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(events_.end->code, StatusCode::kPermissionDenied);
  EXPECT_EQ(events_.end->message, "not you");
}

TEST_F(CallTest, TrailersOnly) {
  CallPtr call = Open();
  server_.peer().Respond(1, {{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "12"}}, true);
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(events_.end->code, StatusCode::kUnimplemented);
}

TEST_F(CallTest, AnswersThatAreNotGrpc) {
  struct Case {
    Fields head;
    StatusCode code;
    const char* message;
  };
  for (const Case& c : {Case{{{":status", "503"}}, StatusCode::kUnavailable, "HTTP status 503 instead of 200"},
                        Case{{{":status", "404"}}, StatusCode::kUnimplemented, "HTTP status 404"},
                        Case{{{":status", "200"}, {"content-type", "text/html"}}, StatusCode::kUnknown, "text/html"}}) {
    events_ = RecordingEvents();
    PutCluster(&server_.address());
    CallPtr call = Start();
    const size_t before = server_.connections();
    ASSERT_TRUE(Until([&] { return server_.connections() > before && server_.peer().requests.contains(1); }));
    server_.peer().Respond(1, c.head, false);
    server_.peer().Body(1, "<html>", false);
    ASSERT_TRUE(UntilEnd());
    EXPECT_EQ(events_.end->code, c.code);
    EXPECT_THAT(events_.end->message, HasSubstr(c.message));
    EXPECT_TRUE(Until([&] { return server_.peer().requests[1].reset; }));
  }
}

TEST_F(CallTest, ABodyThatEndsWithoutTrailers) {
  CallPtr call = Open();
  Answer();
  server_.peer().Body(1, Frame("one"), true);
  ASSERT_TRUE(UntilEnd());
  EXPECT_THAT(events_.messages, ElementsAre("one"));
  EXPECT_EQ(events_.end->code, StatusCode::kInternal);
}

TEST_F(CallTest, TrailersWithinAMessage) {
  CallPtr call = Open();
  Answer();
  server_.peer().Body(1, Frame("one").substr(0, 6), false);
  server_.peer().Trailers(1, {{"grpc-status", "0"}});
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(events_.end->code, StatusCode::kInternal);
  EXPECT_EQ(events_.end->message, "the answer ended within a message");
}

TEST_F(CallTest, AMessageOverTheLimitEndsTheCall) {
  target_.max_receive_message_bytes = 10;
  CallPtr call = Open();
  Answer();
  server_.peer().Body(1, Frame("0123456789") + Frame("0123456789a"), false);
  ASSERT_TRUE(UntilEnd());
  EXPECT_THAT(events_.messages, ElementsAre("0123456789"));
  EXPECT_EQ(events_.end->code, StatusCode::kResourceExhausted);
  EXPECT_TRUE(Until([&] { return server_.peer().requests[1].reset; }));
}

TEST_F(CallTest, WithoutAUsableClusterTheCallEndsLater) {
  CallPtr unknown = Start();
  EXPECT_FALSE(events_.end.has_value());
  Send(*unknown, "in vain");
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(events_.end->code, StatusCode::kUnavailable);
  EXPECT_THAT(events_.end->message, HasSubstr("cluster 'backend'"));

  events_ = RecordingEvents();
  PutCluster(nullptr);
  CallPtr empty = Start();
  ASSERT_TRUE(UntilEnd());
  EXPECT_THAT(events_.end->message, HasSubstr("no healthy endpoint"));
  EXPECT_EQ(Stat("upstream_cx_none_healthy"), 1);

  events_ = RecordingEvents();
  config_ = std::make_shared<upstream::ClusterConfig>(*config_);
  config_->protocol = upstream::UpstreamProtocol::kHttp1;
  PutCluster(&server_.address());
  CallPtr http1 = Start();
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(events_.end->code, StatusCode::kFailedPrecondition);
  EXPECT_THAT(events_.end->message, HasSubstr("http2_protocol_options"));
}

TEST_F(CallTest, ARefusedConnectionNamesTheEndpoint) {
  net::Address closed;
  {
    upstream::FakeServer gone;
    closed = gone.address();
  }
  PutCluster(&closed);
  CallPtr call = Start();
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(events_.end->code, StatusCode::kUnavailable);
  EXPECT_THAT(events_.end->message, HasSubstr("connect failed"));
  EXPECT_THAT(events_.end->message, HasSubstr("127.0.0.1:"));
}

TEST_F(CallTest, TheConnectionsEndIsUnavailable) {
  CallPtr call = Open();
  Answer();
  server_.peer().Body(1, Frame("one"), false);
  ASSERT_TRUE(Until([&] { return events_.messages.size() == 1; }));
  server_.CloseAll();
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(events_.end->code, StatusCode::kUnavailable);
  EXPECT_THAT(events_.end->message, HasSubstr("connection_termination"));
}

TEST_F(CallTest, RefusedAndResetStreams) {
  CallPtr call = Open();
  server_.peer().Reset(1, NGHTTP2_REFUSED_STREAM);
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(events_.end->code, StatusCode::kUnavailable);
  EXPECT_EQ(Stat("upstream_rq_rx_reset"), 1);
}

TEST_F(CallTest, TheCallsTime) {
  CallPtr call = Open({.timeout = 5s});
  EXPECT_EQ(server_.peer().requests[1].Header("grpc-timeout"), "5000000u");
  clock_.Advance(4999ms);
  Settle();
  EXPECT_FALSE(events_.end.has_value());
  clock_.Advance(2ms);
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(events_.end->code, StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Stat("upstream_rq_timeout"), 1);
  EXPECT_TRUE(Until([&] { return server_.peer().requests[1].reset; }));
}

TEST_F(CallTest, TheClustersLongestCall) {
  config_->http.max_stream_duration = 2s;
  CallPtr call = Open({.timeout = 5s});
  clock_.Advance(2001ms);
  ASSERT_TRUE(UntilEnd());
  EXPECT_EQ(events_.end->code, StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Stat("upstream_rq_timeout"), 0);
  EXPECT_EQ(Stat("upstream_rq_max_duration_reached"), 1);
}

TEST_F(CallTest, AnEndedCallIsResetAndHearsNothing) {
  CallPtr call = Open();
  Answer();
  server_.peer().Body(1, Frame("one") + Frame("two"), false);
  events_.on_event = [&](std::string_view event) {
    if (event == "message") call.reset();
  };
  ASSERT_TRUE(Until([&] { return server_.peer().requests[1].reset; }));
  EXPECT_EQ(server_.peer().requests[1].reset_code, NGHTTP2_CANCEL);
  Settle();
  EXPECT_THAT(events_.messages, ElementsAre("one"));
  EXPECT_FALSE(events_.end.has_value());
  EXPECT_EQ(Stat("upstream_rq_tx_reset"), 1);
}

TEST_F(CallTest, ACallMayBeEndedInEveryEventAndWhileItWaits) {
  PutCluster(&server_.address());
  Start().reset();
  for (const char* last : {"head", "end"}) {
    RecordingEvents events;
    CallPtr call = client_.Start(target_, "/s/m", {}, events);
    events.on_event = [&](std::string_view event) {
      if (event == last) call.reset();
    };
    ASSERT_TRUE(Until([&] { return server_.connections() > 0 && !server_.peer().requests.empty(); }));
    const int32_t id = server_.peer().requests.rbegin()->first;
    server_.peer().Respond(id, {{":status", "200"}, {"content-type", "application/grpc"}}, false);
    server_.peer().Trailers(id, {{"grpc-status", "0"}});
    ASSERT_TRUE(Until([&] { return call == nullptr; }));
    Settle();
    server_.peer().requests.clear();
  }
}

TEST_F(CallTest, APausedCallTakesItsWindowAndNoMore) {
  config_->http2.Own().initial_stream_window_size = 65535;
  CallPtr call = Open();
  call->PauseReading(true);
  Answer();
  std::string bytes;
  for (int i = 0; i < 100; ++i) bytes += Frame(std::string(10000, 'x'));
  server_.peer().Body(1, bytes, false);
  Settle();
  EXPECT_EQ(events_.messages.size(), 6);
  call->PauseReading(false);
  EXPECT_TRUE(Until([&] { return events_.messages.size() == 100; }));
}

TEST_F(CallTest, MessagesThatWaitForAConnectionPushBack) {
  config_->per_connection_buffer_limit_bytes = 1000;
  PutCluster(&server_.address());
  CallPtr call = Start();
  Send(*call, std::string(500, 'x'));
  EXPECT_EQ(events_.high, 0);
  Send(*call, std::string(600, 'x'));
  EXPECT_EQ(events_.high, 1);
  ASSERT_TRUE(Until([&] { return events_.low == 1; }));
}

}  // namespace
}  // namespace nuncio::grpc
