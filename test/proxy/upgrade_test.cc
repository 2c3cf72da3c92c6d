#include "source/proxy/upgrade.h"

#include "gtest/gtest.h"

namespace nuncio::proxy {
namespace {

class UpgradeTest : public testing::Test {
 protected:
  UpgradeTest() {
    head_.method = http::Method::kGet;
    head_.upgrade = "WebSocket";
    decision_.forward = &route_;
  }
  std::string_view Field(const http::HeaderMap& map, std::string_view name) {
    const http::HeaderField* field = map.Find(name);
    return field == nullptr ? "(none)" : field->value;
  }

  ArenaBlockPool blocks_;
  Arena arena_{blocks_};
  http::RequestHead head_{arena_};
  http::HeaderMap answer_{arena_};
  ConnectionManagerConfig config_;
  route::ForwardAction route_;
  route::Decision decision_;
  Random random_{1};
};

TEST_F(UpgradeTest, NothingIsTakenUnlessConfigured) {
  EXPECT_EQ(DecideTunnel(config_, decision_, head_), TunnelVerdict::kRefuse);
  config_.upgrades = {{"spdy"}, {"websocket"}};
  EXPECT_EQ(DecideTunnel(config_, decision_, head_), TunnelVerdict::kForward);
  config_.upgrades[1].enabled = false;
  EXPECT_EQ(DecideTunnel(config_, decision_, head_), TunnelVerdict::kRefuse);
}

TEST_F(UpgradeTest, TheRouteHasTheLastWord) {
  config_.upgrades = {{"websocket"}};
  route_.upgrades = {{"websocket", false}};
  EXPECT_EQ(DecideTunnel(config_, decision_, head_), TunnelVerdict::kRefuse);
  route_.upgrades = {{"other", false}};
  EXPECT_EQ(DecideTunnel(config_, decision_, head_), TunnelVerdict::kForward);
  config_.upgrades.clear();
  route_.upgrades = {{"websocket", true}};
  EXPECT_EQ(DecideTunnel(config_, decision_, head_), TunnelVerdict::kForward);
  // A route that does not forward says nothing.
  decision_.forward = nullptr;
  EXPECT_EQ(DecideTunnel(config_, decision_, head_), TunnelVerdict::kRefuse);
}

TEST_F(UpgradeTest, ConnectIsATypeOfItsOwn) {
  head_.upgrade = "";
  head_.method = http::Method::kConnect;
  config_.upgrades = {{"websocket"}};
  EXPECT_EQ(DecideTunnel(config_, decision_, head_), TunnelVerdict::kRefuse);
  route_.upgrades = {{"CONNECT"}};
  EXPECT_EQ(DecideTunnel(config_, decision_, head_), TunnelVerdict::kForward);
  route_.upgrades = {{"CONNECT", true, true}};
  EXPECT_EQ(DecideTunnel(config_, decision_, head_), TunnelVerdict::kTerminate);
}

TEST_F(UpgradeTest, WhatAcceptsATunnel) {
  EXPECT_TRUE(AcceptsTunnel(head_, 101));
  EXPECT_FALSE(AcceptsTunnel(head_, 200));
  head_.upgrade = "";
  EXPECT_FALSE(AcceptsTunnel(head_, 101));
  EXPECT_FALSE(AcceptsTunnel(head_, 200));
  head_.method = http::Method::kConnect;
  EXPECT_TRUE(AcceptsTunnel(head_, 204));
  EXPECT_FALSE(AcceptsTunnel(head_, 302));
}

TEST_F(UpgradeTest, AKeyIsMadeWhereThereIsNone) {
  CompleteWebSocketRequest(head_, random_);
  EXPECT_EQ(Field(head_.headers, "sec-websocket-key").size(), 24u);
  EXPECT_EQ(Field(head_.headers, "sec-websocket-version"), "13");
  head_.headers.Clear();
  head_.headers.Add("Sec-WebSocket-Key", "mine");
  head_.headers.Add("Sec-WebSocket-Version", "8");
  CompleteWebSocketRequest(head_, random_);
  EXPECT_EQ(head_.headers.size(), 2u);
  head_.headers.Clear();
  head_.upgrade = "other";
  CompleteWebSocketRequest(head_, random_);
  EXPECT_TRUE(head_.headers.empty());
}

TEST_F(UpgradeTest, TheProofIsMadeForAnHttp1Client) {
  // The example of RFC 6455 1.3.
  head_.headers.Add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
  CompleteWebSocketAnswer(head_, answer_);
  EXPECT_EQ(Field(answer_, "sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  answer_.Clear();
  answer_.Add("Sec-WebSocket-Accept", "the host's");
  CompleteWebSocketAnswer(head_, answer_);
  EXPECT_EQ(Field(answer_, "sec-websocket-accept"), "the host's");
}

TEST_F(UpgradeTest, AnHttp2ClientGetsNone) {
  head_.protocol = http::Protocol::kHttp2;
  answer_.Add("Sec-WebSocket-Accept", "x");
  CompleteWebSocketAnswer(head_, answer_);
  EXPECT_TRUE(answer_.empty());
}

}  // namespace
}  // namespace nuncio::proxy
