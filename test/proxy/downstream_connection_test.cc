#include "source/proxy/downstream_connection.h"

#include <memory>
#include <string>

#include "test/proxy/manager_fixture.h"
#include "test/upstream/pool/pool_fixture.h"

namespace nuncio::proxy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Gives up amid an answer.
class Cutting final : public filter::HttpFilter {
 public:
  struct Seen {
    bool within = false;
    bool destroyed_within = false;
    int destroyed = 0;
  };
  Cutting(filter::HttpFilterHandle& stream, Seen& seen) : HttpFilter(stream), seen_(seen) {
    WantResponseBody(filter::BodyWish::kSee);
  }
  ~Cutting() override {
    ++seen_.destroyed;
    seen_.destroyed_within |= seen_.within;
  }
  filter::FilterVerdict OnResponseData(buffer::Buffer& data, bool) override {
    if (data.ToString() != "cut here") return filter::FilterVerdict::kContinue;
    Seen& seen = seen_;
    seen.within = true;
    stream().SendLocalReply({.status = 500, .details = "given_up"});
    seen.within = false;
    return filter::FilterVerdict::kStop;
  }

 private:
  Seen& seen_;
};

class CuttingFactory final : public filter::HttpFilterFactory {
 public:
  explicit CuttingFactory(Cutting::Seen& seen) : seen_(seen) {}
  filter::HttpFilter* Create(filter::HttpFilterHandle& stream, Arena& arena) override {
    return filter::NewInArena<Cutting>(arena, stream, seen_);
  }

 private:
  Cutting::Seen& seen_;
};

class DownstreamConnectionTest : public ManagerFixture {
 protected:
  DownstreamConnectionTest() {
    SetRoutes("[{match: {prefix: /}, route: {cluster: backend, timeout: 0s}}]");
    PutCluster({host_.address()});
  }

  upstream::FakeServer host_;
};

TEST_F(DownstreamConnectionTest, WhoCutsAnAnswerOffIsStillThereWhenThatReturns) {
  Cutting::Seen seen;
  config_->filters.emplace_back().name = "cutting";
  filters_.push_back(std::make_unique<CuttingFactory>(seen));
  config_->http1.accept_http_10 = true;
  auto client = Connect();
  client->Send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(Until([&] { return host_.Accepted() == 1 && host_.Received(0).ends_with("\r\n\r\n"); }));
  // To a client of HTTP/1.0 the end of the connection is that of the answer; only a reset tells that it is not whole.
  host_.Send(0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nbegun \r\n");
  ASSERT_TRUE(Until([&] { return client->Received().ends_with("begun "); }));
  host_.Send(0, "8\r\ncut here\r\n");
  ASSERT_TRUE(Until([&] { return client->SawEnd(); }));
  EXPECT_TRUE(client->SawReset()) << "the answer looks whole";
  Settle();
  EXPECT_EQ(seen.destroyed, 1);
  EXPECT_FALSE(seen.destroyed_within);
  EXPECT_EQ(Stat("http.test.downstream_cx_destroy_local_active_rq"), 0);
  EXPECT_EQ(Stat("http.test.downstream_rq_tx_reset"), 1);
}

TEST_F(DownstreamConnectionTest, WhoeverTalksNeedNotAnswerAPing) {
  config_->http2.keepalive.emplace();
  config_->http2.keepalive->interval = seconds(30);
  config_->http2.keepalive->interval_jitter = 0;
  config_->http2.keepalive->timeout = seconds(5);
  auto client = Connect();
  client->BeginHttp2();
  client->Send(http::h2::Headers(1, http::h2::Request("POST", "/"), http::h2::kEndHeaders));
  Settle();
  Advance(seconds(31));
  ASSERT_NE(client->Find(NGHTTP2_PING, 0), nullptr);
  for (int i = 0; i < 5; ++i) {
    Advance(seconds(4));
    ASSERT_FALSE(client->SawEnd()) << i;
    client->Send(http::h2::Data(1, "more"));
    Settle();
  }
  Advance(seconds(4));
  EXPECT_FALSE(client->SawEnd());
  Advance(seconds(2));
  EXPECT_TRUE(client->SawEnd());
  EXPECT_EQ(Stat("http2.keepalive_timeout"), 1);
}

class SilentConnectionsTest : public DownstreamConnectionTest {
 protected:
  // How often the manager wakes up for its connections within a minute of silence, once it has settled.
  int LooksAMinute() {
    for (int i = 0; i < 8; ++i) Advance(milliseconds(250));
    const int before = looks_;
    for (int i = 0; i < 60; ++i) Advance(seconds(1));
    return looks_ - before;
  }
};

TEST_F(SilentConnectionsTest, NobodyLooksAtThoseThatAreParked) {
  auto client = Connect();
  Settle();
  EXPECT_EQ(LooksAMinute(), 0);
  EXPECT_GT(looks_, 0);
  EXPECT_EQ(Stat("http.test.downstream_cx_parked"), 1);
}

TEST_F(SilentConnectionsTest, NobodyLooksAtThoseThatNeverWillBe) {
  auto client = Connect();
  client->BeginHttp2();
  Settle();
  EXPECT_EQ(LooksAMinute(), 0);
  // What a request leaves is given back, and once only.
  const int before = looks_;
  client->Send(http::h2::Headers(1, http::h2::Request("GET", "/"), http::h2::kEndHeaders | http::h2::kEndStream));
  ASSERT_TRUE(Until([&] { return host_.Accepted() == 1 && host_.Received(0).ends_with("\r\n\r\n"); }));
  EXPECT_EQ(LooksAMinute(), 0);
  EXPECT_EQ(looks_, before + 1);
  host_.Send(0, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  ASSERT_TRUE(Until([&] { return client->Body(1) == "ok"; }));
  EXPECT_EQ(LooksAMinute(), 0);
  EXPECT_EQ(looks_, before + 2);
  EXPECT_EQ(Stat("http.test.downstream_cx_parked"), 0);
}

TEST_F(SilentConnectionsTest, ThoseThatNeverWillBeParkedAreDrainedAndClosedAsWell) {
  auto first = Connect(), second = Connect();
  for (FakeClient* client : {first.get(), second.get()}) client->BeginHttp2();
  Settle();
  EXPECT_EQ(LooksAMinute(), 0);
  manager().StartDraining(Duration::zero());
  Settle();
  EXPECT_NE(first->Find(NGHTTP2_GOAWAY, 0), nullptr);
  EXPECT_NE(second->Find(NGHTTP2_GOAWAY, 0), nullptr);
  manager().CloseAll();
  Settle();
  EXPECT_TRUE(first->SawEnd());
  EXPECT_TRUE(second->SawEnd());
}

}  // namespace
}  // namespace nuncio::proxy
