#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "test/upstream/pool/http1_pool_fixture.h"

namespace nuncio::upstream {
namespace {

using std::chrono::milliseconds;

TEST_F(Http1PoolTest, ARefusedConnectFailsTheRequest) {
  auto nobody = std::make_unique<FakeServer>();
  const auto host = MakeHost(nobody->address());
  nobody.reset();
  auto request = Ask(*host);
  ASSERT_TRUE(Until([&] { return request->failed; }));
  EXPECT_EQ(request->failure, PoolFailure::kConnectFailure);
  EXPECT_EQ(request->failure_details, "delayed connect error: Connection refused");
  EXPECT_EQ(Stat("upstream_cx_connect_fail"), 1);
  EXPECT_EQ(Stat("upstream_rq_pending_failure_eject"), 1);
  EXPECT_EQ(Stat("upstream_cx_active"), 0);
  EXPECT_EQ(host->TotalStats().cx_connect_fail, 1u);
}

TEST_F(Http1PoolTest, ARequestThatComesBackFromAFailureIsNotFailedWithTheRest) {
  auto nobody = std::make_unique<FakeServer>();
  const auto host = MakeHost(nobody->address());
  nobody.reset();
  auto retry = NewRequest();
  auto request = NewRequest();
  request->ask_on_failure = retry.get();
  request->fixture = this;
  Ask(*request, *host);
  host->MoveTo(server_.address());
  ASSERT_TRUE(Until([&] { return retry->got_stream || retry->failed; }));
  EXPECT_TRUE(request->failed);
  EXPECT_TRUE(retry->got_stream);
}

TEST_F(Http1PoolTest, AFailedConnectFailsOnlyWhatOthersWillNotServe) {
  auto nobody = std::make_unique<FakeServer>();
  const auto host = MakeHost(nobody->address());
  nobody.reset();
  auto first = Ask(*host);
  host->MoveTo(server_.address());
  auto second = Ask(*host);
  ASSERT_TRUE(Until([&] { return second->got_stream || second->failed; }));
  EXPECT_TRUE(first->failed) << "the one that waited longest, of two for one connection";
  EXPECT_TRUE(second->got_stream);
}

TEST_F(Http1PoolTest, AConnectThatTakesTooLongFails) {
  // A queue that is full drops what comes.
  FakeServer stuck(0);
  const auto host = MakeHost(stuck.address());
  config_->connect_timeout = milliseconds(250);
  config_->circuit_breakers[0].max_connections = 100;
  std::vector<std::unique_ptr<FakeRequest>> fill;
  size_t ready = 0;
  for (int i = 0; i < 8; ++i) fill.push_back(Ask(*host));
  Advance(milliseconds(249));
  EXPECT_EQ(Stat("upstream_cx_connect_timeout"), 0);
  for (const auto& request : fill) ready += request->got_stream ? 1 : 0;
  ASSERT_LT(ready, fill.size());
  Advance(milliseconds(2));
  ASSERT_TRUE(Until([&] { return Stat("upstream_cx_connect_timeout") == static_cast<int64_t>(fill.size() - ready); }));
  EXPECT_EQ(Stat("upstream_cx_connect_fail"), static_cast<int64_t>(fill.size() - ready));
  for (const auto& request : fill) {
    EXPECT_TRUE(request->got_stream || request->failure == PoolFailure::kConnectTimeout);
  }
}

TEST_F(Http1PoolTest, ConnectionsComeFromTheConfiguredAddress) {
  config_->bind.Own().emplace();
  config_->bind.Own()->source_address = *net::Address::FromIp("127.0.0.2", 0);
  auto request = Begin(0);
  EXPECT_EQ(request->connection.local.IpText(), "127.0.0.2");
}

TEST_F(Http1PoolTest, AnAddressThatCannotBeBoundFailsTheRequestAtOnce) {
  config_->bind.Own().emplace();
  config_->bind.Own()->source_address = *net::Address::FromIp("192.0.2.1", 0);
  auto request = Ask(*host_);
  EXPECT_TRUE(request->failed);
  EXPECT_EQ(request->failure, PoolFailure::kConnectFailure);
  EXPECT_EQ(request->failure_details, "immediate connect error: Cannot assign requested address");
  EXPECT_EQ(Stat("upstream_cx_connect_fail"), 1);
}

}  // namespace
}  // namespace nuncio::upstream
