#include "source/grpc/unary_call.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "test/grpc/grpc_fixture.h"

namespace nuncio::grpc {
namespace {

class RecordingUnary final : public UnaryEvents {
 public:
  void OnAnswer(buffer::Buffer& message) override {
    answer = message.ToString();
    call.reset();
  }
  void OnFailure(const Status& status) override {
    failure = status;
    call.reset();
  }
  bool over() const { return answer.has_value() || failure.has_value(); }

  std::optional<std::string> answer;
  std::optional<Status> failure;
  std::unique_ptr<UnaryCall> call;
};

class UnaryCallTest : public GrpcFixture {
 protected:
  // Answers the next call with these bytes of body and trailers.
  void Ask(std::string_view body, const Fields& trailers) {
    PutCluster(&server_.address());
    buffer::Buffer request(slices_);
    request.Append("question");
    events_.call = std::make_unique<UnaryCall>(client_, target_, "/s/m", CallOptions{}, request, events_);
    ASSERT_TRUE(Until([&] { return server_.connections() > 0 && server_.peer().requests[1].ended; }));
    EXPECT_EQ(server_.peer().requests[1].body, Frame("question"));
    server_.peer().Respond(1, {{":status", "200"}, {"content-type", "application/grpc"}}, false);
    server_.peer().Body(1, body, false);
    server_.peer().Trailers(1, trailers);
    ASSERT_TRUE(Until([&] { return events_.over(); }));
  }

  RecordingUnary events_;
};

TEST_F(UnaryCallTest, OneMessageEachWay) {
  Ask(Frame("answer"), {{"grpc-status", "0"}});
  EXPECT_EQ(events_.answer, "answer");
  EXPECT_FALSE(events_.failure.has_value());
}

TEST_F(UnaryCallTest, AnAnswerThatTheServerTakesBackIsNone) {
  Ask(Frame("answer"), {{"grpc-status", "13"}});
  EXPECT_FALSE(events_.answer.has_value());
  EXPECT_EQ(events_.failure->code, StatusCode::kInternal);
}

TEST_F(UnaryCallTest, NoAnswer) {
  Ask("", {{"grpc-status", "0"}});
  EXPECT_EQ(events_.failure->code, StatusCode::kInternal);
}

TEST_F(UnaryCallTest, TwoAnswers) {
  Ask(Frame("a") + Frame("b"), {{"grpc-status", "0"}});
  EXPECT_EQ(events_.failure->code, StatusCode::kInternal);
}

TEST_F(UnaryCallTest, WithoutACluster) {
  buffer::Buffer request(slices_);
  events_.call = std::make_unique<UnaryCall>(client_, target_, "/s/m", CallOptions{}, request, events_);
  ASSERT_TRUE(Until([&] { return events_.over(); }));
  EXPECT_EQ(events_.failure->code, StatusCode::kUnavailable);
}

}  // namespace
}  // namespace nuncio::grpc
