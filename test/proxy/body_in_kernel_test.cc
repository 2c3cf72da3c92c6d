#include <sys/socket.h>

#include <memory>
#include <string>
#include <string_view>

#include "source/base/strings.h"
#include "test/proxy/manager_fixture.h"
#include "test/upstream/pool/pool_fixture.h"

// Large bodies that are only passed on, between plaintext HTTP/1 sides, stay in the kernel: a pipe of the worker's
// shows it.
namespace nuncio::proxy {
namespace {

class Looking final : public filter::HttpFilter {
 public:
  explicit Looking(filter::HttpFilterHandle& stream) : HttpFilter(stream) {
    WantResponseBody(filter::BodyWish::kSee);
  }
  filter::FilterVerdict OnResponseData(buffer::Buffer& data, bool) override {
    size_t seen = 0;
    data.ForEachRun([&seen](std::string_view run) { seen += run.size(); });
    EXPECT_EQ(seen, data.length());
    return filter::FilterVerdict::kContinue;
  }
};

// Stops each answer's head for as long as the test wants.
class Stopping final : public filter::HttpFilter {
 public:
  Stopping(filter::HttpFilterHandle& stream, filter::HttpFilterHandle*& stopped) : HttpFilter(stream) {
    stopped = &stream;
  }
  filter::FilterVerdict OnResponseHead(http::ResponseHead&, bool) override { return filter::FilterVerdict::kStop; }
};

class LookingFactory final : public filter::HttpFilterFactory {
 public:
  filter::HttpFilter* Create(filter::HttpFilterHandle& stream, Arena& arena) override {
    return filter::NewInArena<Looking>(arena, stream);
  }
};

class StoppingFactory final : public filter::HttpFilterFactory {
 public:
  explicit StoppingFactory(filter::HttpFilterHandle*& stopped) : stopped_(stopped) {}
  filter::HttpFilter* Create(filter::HttpFilterHandle& stream, Arena& arena) override {
    return filter::NewInArena<Stopping>(arena, stream, stopped_);
  }

 private:
  filter::HttpFilterHandle*& stopped_;
};

class BodyInKernelTest : public ManagerFixture {
 protected:
  static constexpr size_t kSize = 4 << 20;
  static constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

  BodyInKernelTest() : body_(kSize, '\0') {
    SetRoutes("[{match: {prefix: /}, route: {cluster: backend, timeout: 0s}}]");
    PutCluster({host_.address()});
    for (size_t i = 0; i < kSize; ++i) body_[i] = static_cast<char>((i * 2654435761u) >> 13);
  }

  // The bytes go out as the proxy takes them.
  void Pump() override {
    if (pending_.empty()) return;
    const ssize_t n = send(host_.fd(0), pending_.data(), pending_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) pending_.remove_prefix(static_cast<size_t>(n));
  }
  // The host's answer to a request that it is given first.
  void Ask(FakeClient& client, std::string_view request, std::string head, std::string_view body) {
    const size_t before = host_.Accepted() > 0 ? host_.Received(0).size() : 0;
    client.Send(request);
    ASSERT_TRUE(Until([&] { return host_.Accepted() == 1 && host_.Received(0).size() > before; }));
    answer_ = std::move(head);
    answer_ += body;
    pending_ = answer_;
  }
  static std::string Length(size_t size) {
    return StrCat("HTTP/1.1 200 OK\r\nContent-Length: ", size, "\r\n\r\n");
  }
  static bool EndsWith(FakeClient& client, std::string_view text) { return client.Received().ends_with(text); }

  std::string body_;
  std::string answer_;
  std::string_view pending_;
  upstream::FakeServer host_;
};

TEST_F(BodyInKernelTest, OfKnownLength) {
  auto client = Connect();
  Ask(*client, kRequest, Length(kSize), body_);
  ASSERT_TRUE(Until([&] { return EndsWith(*client, body_); }));
  EXPECT_GT(slices_.pipes().made(), 0u);
  EXPECT_EQ(slices_.bytes_in_use(), 0u);
  // Both connections go on with the next exchange, where the body ended and not sooner or later.
  Ask(*client, kRequest, Length(4), "next");
  ASSERT_TRUE(Until([&] { return EndsWith(*client, "\r\n\r\nnext"); }));
  Ask(*client, kRequest, Length(kSize), body_);
  ASSERT_TRUE(Until([&] { return EndsWith(*client, body_); }));
  EXPECT_EQ(host_.Accepted(), 1u);
  EXPECT_EQ(slices_.pipes().made(), 1u) << "lent again";
  client->Close();
  Settle();
  EXPECT_GT(Stat("cluster.backend.upstream_cx_rx_bytes_total"), static_cast<int64_t>(2 * kSize));
  EXPECT_GT(Stat("http.test.downstream_cx_tx_bytes_total"), static_cast<int64_t>(2 * kSize));
}

TEST_F(BodyInKernelTest, ThatEndsWithTheConnection) {
  auto client = Connect();
  Ask(*client, kRequest, "HTTP/1.1 200 OK\r\n\r\n", body_);
  ASSERT_TRUE(Until([&] { return pending_.empty(); }));
  host_.Close(0);
  ASSERT_TRUE(Until([&] { return EndsWith(*client, "\r\n0\r\n\r\n"); }));
  EXPECT_GT(slices_.pipes().made(), 0u);
  std::string content;
  std::string_view rest = client->Received();
  rest.remove_prefix(rest.find("\r\n\r\n") + 4);
  for (size_t size = 1; size > 0;) {
    size = std::stoul(std::string(rest.substr(0, rest.find('\r'))), nullptr, 16);
    rest.remove_prefix(rest.find('\n') + 1);
    content += rest.substr(0, size);
    rest.remove_prefix(size + 2);
  }
  EXPECT_TRUE(content == body_);
}

TEST_F(BodyInKernelTest, OfTheHead) {
  auto client = Connect();
  client->Send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(Until([&] { return host_.Accepted() == 1 && !host_.Received(0).empty(); }));
  host_.Send(0, Length(kSize));
  ASSERT_TRUE(Until([&] { return EndsWith(*client, "\r\n\r\n"); }));
  Ask(*client, kRequest, Length(2), "ok");
  ASSERT_TRUE(Until([&] { return EndsWith(*client, "\r\n\r\nok"); }));
}

TEST_F(BodyInKernelTest, NotWhereAFilterLooks) {
  config_->filters.emplace_back().name = "looking";
  filters_.push_back(std::make_unique<LookingFactory>());
  auto client = Connect();
  Ask(*client, kRequest, Length(kSize), body_);
  ASSERT_TRUE(Until([&] { return EndsWith(*client, body_); }));
  EXPECT_EQ(slices_.pipes().made(), 0u);
}

TEST_F(BodyInKernelTest, BehindAFilterThatDoesNotLook) {
  filter::HttpFilterHandle* stopped = nullptr;
  config_->filters.emplace_back().name = "stopping";
  filters_.push_back(std::make_unique<StoppingFactory>(stopped));
  auto client = Connect();
  Ask(*client, kRequest, Length(kSize), body_);
  Settle();
  EXPECT_EQ(client->Received(), "");
  ASSERT_NE(stopped, nullptr);
  stopped->ResumeResponse();
  ASSERT_TRUE(Until([&] { return EndsWith(*client, body_); }));
  EXPECT_GT(slices_.pipes().made(), 0u);
}

TEST_F(BodyInKernelTest, NotInChunks) {
  auto client = Connect();
  Ask(*client, kRequest, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400000\r\n", body_ + "\r\n0\r\n\r\n");
  ASSERT_TRUE(Until([&] { return EndsWith(*client, "\r\n0\r\n\r\n"); }));
  EXPECT_EQ(slices_.pipes().made(), 0u);
}

TEST_F(BodyInKernelTest, NotTowardsHttp2) {
  auto client = Connect();
  client->BeginHttp2();
  client->Send(http::h2::WindowUpdate(0, kSize));
  client->Send(http::h2::Headers(1, http::h2::Request("GET", "/"), http::h2::kEndHeaders | http::h2::kEndStream));
  client->Send(http::h2::WindowUpdate(1, kSize));
  ASSERT_TRUE(Until([&] { return host_.Accepted() == 1 && !host_.Received(0).empty(); }));
  answer_ = Length(kSize) + body_;
  pending_ = answer_;
  ASSERT_TRUE(Until([&] { return client->Body(1).size() == kSize; }));
  EXPECT_TRUE(client->Body(1) == body_);
  EXPECT_EQ(slices_.pipes().made(), 0u);
}

TEST_F(BodyInKernelTest, AClientThatDoesNotReadStopsTheHost) {
  auto client = Connect();
  const std::string much = body_ + body_ + body_ + body_;
  Ask(*client, kRequest, Length(much.size()), much);
  for (int turn = 0; turn < 20'000; ++turn) {
    Pump();
    loop_.RunOnce();
  }
  EXPECT_FALSE(pending_.empty());
  EXPECT_GT(Stat("cluster.backend.upstream_flow_control_paused_reading_total"), 0);
  EXPECT_LE(slices_.pipes().made(), 2u);
  EXPECT_LE(slices_.bytes_in_use(), 2u << 20);
  ASSERT_TRUE(Until([&] { return EndsWith(*client, body_); }));
}

TEST_F(BodyInKernelTest, AClientThatGoesTakesItsPipeWithIt) {
  auto client = Connect();
  // More than the kernel may take for a client that does not read.
  const std::string much = body_ + body_ + body_ + body_;
  Ask(*client, kRequest, Length(much.size()), much);
  ASSERT_TRUE(Until([&] { return slices_.pipes().made() > 0 && slices_.bytes_in_use() > 0; }));
  client->Close();
  ASSERT_TRUE(Until([&] { return host_.SawEnd(0); }));
  Settle();
  EXPECT_EQ(slices_.bytes_in_use(), 0u);
  EXPECT_EQ(Stat("cluster.backend.upstream_rq_tx_reset"), 1);
}

TEST_F(BodyInKernelTest, AHostThatEndsHalfWayCutsTheAnswer) {
  auto client = Connect();
  Ask(*client, kRequest, Length(2 * kSize), body_);
  ASSERT_TRUE(Until([&] { return pending_.empty(); }));
  host_.Close(0);
  ASSERT_TRUE(Until([&] { return client->SawEnd(); }));
  EXPECT_TRUE(EndsWith(*client, body_)) << "what came is passed on, and no more";
  EXPECT_EQ(Stat("http.test.downstream_rq_tx_reset"), 1);
  EXPECT_EQ(slices_.bytes_in_use(), 0u);
}

}  // namespace
}  // namespace nuncio::proxy
