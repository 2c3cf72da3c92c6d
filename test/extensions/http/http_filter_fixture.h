#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/arena.h"
#include "source/base/clock.h"
#include "source/base/random.h"
#include "source/event/event_loop.h"
#include "source/filter/http_filter_chain.h"
#include "source/telemetry/stats_store.h"
#include "source/upstream/worker_clusters.h"
#include "test/filter/fake_ends.h"

namespace nuncio::extensions {

// One HTTP filter between fake ends, in one exchange after another, with a cluster "backend" without hosts. What it
// lets pass stands in `ends()`.
class HttpFilterFixture : public testing::Test, private ObjectHome {
 protected:
  using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

  HttpFilterFixture() { PutCluster(); }
  ~HttpFilterFixture() override {
    EndExchange();
    clusters_.Clear();
    loop_.RunOnce();
  }

  // Retires the one before.
  void PutCluster() {
    config_->name = "backend";
    clusters_.Put(std::make_shared<upstream::PublishedCluster>(
        config_, upstream::ClusterScopes{store_.GetScope(telemetry::ClusterScopeName("backend")), {}}, nullptr,
        std::vector<tls::ClientContextCells>(), 2));
  }
  filter::HttpFilterServices services() { return {loop_, store_, 1, clusters_, "test"}; }

  // Begins an exchange that is forwarded to "backend".
  void BeginExchange(filter::HttpFilterFactory& factory) {
    EndExchange();
    exchange_.emplace(*this);
    exchange_->ends.chain = &exchange_->chain;
    exchange_->ends.route_decision.kind = route::Decision::Kind::kForward;
    exchange_->ends.route_decision.cluster = "backend";
    exchange_->chain.Add(factory, nullptr);
  }
  void EndExchange() {
    if (exchange_.has_value()) exchange_->chain.End();
    exchange_.reset();
    log_.clear();
  }

  void RequestHead(std::string_view path, const Fields& fields, bool end = false) {
    http::RequestHead& head = exchange_->request;
    head.method = http::Method::kPost;
    head.method_text = "POST";
    head.path = path;
    for (const auto& [name, value] : fields) head.headers.Add(name, value);
    exchange_->chain.request().OnHead(head, end);
  }
  void RequestData(std::string_view text, bool end = false) {
    buffer::Buffer data(slices_);
    data.Append(text);
    exchange_->chain.request().OnData(data, end);
  }
  void ResponseHead(uint32_t status, const Fields& fields, bool end = false) {
    exchange_->response.status = status;
    for (const auto& [name, value] : fields) exchange_->response.headers.Add(name, value);
    exchange_->chain.response().OnHead(exchange_->response, end);
  }
  void ResponseData(std::string_view text, bool end = false) {
    buffer::Buffer data(slices_);
    data.Append(text);
    exchange_->chain.response().OnData(data, end);
  }
  void ResponseTrailers(const Fields& fields) {
    for (const auto& [name, value] : fields) exchange_->trailers.Add(name, value);
    exchange_->chain.response().OnTrailers(exchange_->trailers);
  }

  filter::FakeEnds& ends() { return exchange_->ends; }
  const http::RequestHead& request() const { return exchange_->request; }
  const http::ResponseHead& response() const { return exchange_->response; }
  // What came out at the ends.
  const std::vector<std::string>& log() const { return log_; }
  // -1: there is none.
  int64_t Stat(std::string_view name) const { return store_.Find(name).value_or(-1); }

  // A message of gRPC on the wire.
  static std::string Frame(std::string_view message, char flags = '\0') {
    std::string frame(1, flags);
    for (const int shift : {24, 16, 8, 0}) frame.push_back(static_cast<char>(message.size() >> shift));
    return frame.append(message);
  }

  buffer::SlicePool slices_;
  telemetry::StatsStore store_;

 private:
  struct Exchange {
    explicit Exchange(HttpFilterFixture& fixture)
        : ends(fixture.log_),
          arena(fixture.blocks_),
          request(arena),
          response(arena),
          trailers(arena),
          chain(ends, arena, fixture.slices_, 1, kLimit) {}
    static constexpr uint32_t kLimit = 64 * 1024;

    filter::FakeEnds ends;
    Arena arena;
    http::RequestHead request;
    http::ResponseHead response;
    http::HeaderMap trailers;
    filter::HttpFilterChain chain;
  };

  void TakeBack(std::shared_ptr<const void>) override {}

  SimulatedClock clock_;
  event::EventLoop loop_{clock_};
  ArenaBlockPool blocks_;
  Random random_{1};
  upstream::WorkerServices services_{loop_, slices_, blocks_, random_, 1};
  upstream::WorkerClusters clusters_{services_, *this};
  std::shared_ptr<upstream::ClusterConfig> config_ = std::make_shared<upstream::ClusterConfig>();
  std::vector<std::string> log_;
  std::optional<Exchange> exchange_;
};

}  // namespace nuncio::extensions
