// The end of a connection in order: GOAWAY in two steps.
#include "test/http/h2/server_fixture.h"

namespace nuncio::http::h2 {
namespace {

class H2ServerDrainTest : public ServerFixture {};

TEST_F(H2ServerDrainTest, TheNoticeRefusesNothing) {
  Start();
  ASSERT_TRUE(Feed(Headers(1, Request())));
  codec_->NoticeShutdown();
  auto frames = Sent();
  ASSERT_EQ(frames.size(), 1);
  EXPECT_EQ(frames[0].type, NGHTTP2_GOAWAY);
  EXPECT_EQ(frames[0].Number(0), 0x7fffffff);
  EXPECT_EQ(frames[0].Number(4), NGHTTP2_NO_ERROR);
  ASSERT_TRUE(Feed(Headers(3, Request())));
  EXPECT_EQ(request_count(), 2);
  request(0).Answer(204, {}, "");
  request(1).Answer(204, {}, "");
  EXPECT_EQ(closes, 0);
  ExpectAlive();
}

TEST_F(H2ServerDrainTest, TheLastStreamIsNamedAndServedLaterOnesAreNot) {
  Start();
  ASSERT_TRUE(Feed(Headers(1, Request()) + Headers(3, Request("POST"), kEndHeaders)));
  codec_->NoticeShutdown();
  Sent();
  codec_->Drain();
  codec_->Drain();
  auto frames = Sent();
  ASSERT_EQ(frames.size(), 1);
  EXPECT_EQ(frames[0].Number(0), 3);
  EXPECT_EQ(stats_.goaway_sent.value(), 2);

  // Passed over, as the client may expect, with what follows on it.
  ASSERT_TRUE(Feed(Headers(5, Request("POST", "/", {{"x-entry", "kept"}}), kEndHeaders) + Data(5, "late") +
                   Headers(5, {{"x", "y"}})));
  EXPECT_EQ(request_count(), 2);
  ASSERT_TRUE(Feed(Data(3, "body", kEndStream)));
  EXPECT_EQ(request(1).body, "body");
  request(0).Answer(200, {}, "one");
  EXPECT_EQ(closes, 0);
  request(1).Answer(200, {}, "two");
  EXPECT_EQ(closes, 1);
  frames = Sent();
  EXPECT_EQ(BodyOf(frames, 1), "one");
  EXPECT_EQ(BodyOf(frames, 3), "two");
  EXPECT_TRUE(connection_errors.empty());
}

TEST_F(H2ServerDrainTest, AnIdleConnectionClosesAtOnce) {
  Start();
  codec_->Drain();
  EXPECT_EQ(closes, 1);
  const auto frames = Sent();
  ASSERT_EQ(frames.size(), 1);
  EXPECT_EQ(frames[0].Number(0), 0);
  EXPECT_TRUE(connection_errors.empty());
}

TEST_F(H2ServerDrainTest, AnAnswerThatWaitsForItsClientKeepsTheConnection) {
  Start({}, {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 2}});
  ASSERT_TRUE(Feed(Headers(1, Request())));
  request(0).Answer(200, {}, "abcd");
  codec_->Drain();
  EXPECT_EQ(closes, 0);
  Sent();
  EXPECT_FALSE(Feed(WindowUpdate(1, 2))) << "nothing is left to be read";
  EXPECT_EQ(closes, 1);
  EXPECT_TRUE(connection_errors.empty());
  EXPECT_EQ(BodyOf(Sent(), 1), "cd");
}

TEST_F(H2ServerDrainTest, TheClientsGoAwayLetsItsStreamsFinish) {
  Start();
  ASSERT_TRUE(Feed(Headers(1, Request()) + GoAway(0, NGHTTP2_NO_ERROR)));
  EXPECT_EQ(stats_.goaway_received.value(), 1);
  request(0).Answer(200, {}, "body");
  EXPECT_EQ(BodyOf(Sent(), 1), "body");
  EXPECT_TRUE(connection_errors.empty());
}

}  // namespace
}  // namespace nuncio::http::h2
