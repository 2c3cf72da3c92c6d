#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/arena.h"
#include "source/base/clock.h"
#include "source/base/random.h"
#include "source/buffer/slice_pool.h"
#include "source/event/event_loop.h"
#include "source/telemetry/stats_store.h"
#include "source/net/socket_options.h"
#include "source/upstream/host.h"
#include "source/upstream/pool/cluster_pools.h"

// A cluster's pools on one loop, whose time moves by command, against servers that the test plays by hand over
// loopback.
namespace nuncio::upstream {

// A listening socket and what was accepted on it. Never blocks.
class FakeServer {
 public:
  explicit FakeServer(int backlog = 128);
  ~FakeServer();
  const net::Address& address() const { return address_; }

  // How many connections came in so far.
  size_t Accepted();
  // Appends what arrived on a connection to what did before, and returns it all.
  const std::string& Received(size_t connection);
  // Whether the peer has closed.
  bool SawEnd(size_t connection);
  void Send(size_t connection, std::string_view bytes);
  void Close(size_t connection);
  // With RST.
  void Abort(size_t connection);
  int fd(size_t connection) const { return connections_[connection].fd; }

 private:
  struct Connection {
    int fd;
    std::string received;
    bool ended = false;
  };
  int listen_fd_;
  net::Address address_;
  std::vector<Connection> connections_;
};

// One request, from asking for a stream to the end of the answer.
class FakeRequest final : public StreamRequester, public http::ResponseReceiver {
 public:
  explicit FakeRequest(ArenaBlockPool& blocks) : arena_(blocks) {}
  ~FakeRequest();

  // Sends "GET <path>" as soon as there is a stream.
  std::string path = "/";
  // Sends the head of a POST of this length instead, without a body.
  size_t post_length = 0;
  // Sends CONNECT instead.
  bool connect = false;
  // A retry that the failure brings about.
  FakeRequest* ask_on_failure = nullptr;
  class PoolFixture* fixture = nullptr;

  PendingStream pending;
  // What it asks for beside priority and freshness.
  StreamWish wish;
  // What became of it.
  http::RequestSender* sender = nullptr;  // Null when over.
  bool got_stream = false;
  StreamConnection connection;  // As of OnStreamReady.
  bool failed = false;
  PoolFailure failure{};
  std::string failure_details;
  uint32_t status = 0;
  std::string body;
  bool complete = false;
  bool reset = false;
  http::StreamReset reset_kind{};
  int high = 0;
  int low = 0;

  void Abandon();

  void OnStreamReady(http::RequestSender& to, const StreamConnection& on) override;
  void OnStreamFailed(PoolFailure why, std::string_view details, const Host& host) override;
  Arena& arena() override { return arena_; }
  void OnInformational(http::ResponseHead&) override {}
  void OnResponseHead(http::ResponseHead& head, bool end_stream) override;
  void OnData(buffer::Buffer& data, bool end_stream) override;
  void OnTrailers(http::HeaderMap&) override { Complete(); }
  void OnReset(http::StreamReset kind, std::string_view details) override;
  void OnSendBufferHigh() override { ++high; }
  void OnSendBufferLow() override { ++low; }

 private:
  void Complete();
  Arena arena_;
};

class PoolFixture : public testing::Test {
 protected:
  friend class FakeRequest;

  PoolFixture();
  ~PoolFixture() override;

  std::shared_ptr<const Host> MakeHost(const net::Address& address);
  // With `config_`.
  void MakePools();
  ClusterPools& pools() {
    if (pools_ == nullptr) MakePools();
    return *pools_;
  }
  std::unique_ptr<FakeRequest> NewRequest() { return std::make_unique<FakeRequest>(blocks_); }
  void Ask(FakeRequest& request, const Host& host, bool fresh = false,
           RoutingPriority priority = RoutingPriority::kDefault);
  std::unique_ptr<FakeRequest> Ask(const Host& host, bool fresh = false);

  // Turns the loop until `done`. False where that does not come to pass for so long that it never will.
  template <typename Done>
  bool Until(Done&& done) {
    const MonotonicTime give_up = Clock::Real().Monotonic() + std::chrono::seconds(20);
    while (!done()) {
      if (Clock::Real().Monotonic() > give_up) return false;
      loop_.RunOnce();
    }
    return true;
  }
  // Enough turns for what can happen to have happened.
  void Settle() {
    for (int turn = 0; turn < 50; ++turn) loop_.RunOnce();
  }
  void Advance(Duration by) {
    clock_.Advance(by);
    Settle();
  }
  // "upstream_cx_total", "circuit_breakers.default.rq_open"...
  int64_t Stat(std::string_view name);

  SimulatedClock clock_;
  event::EventLoop loop_{clock_};
  buffer::SlicePool slices_;
  ArenaBlockPool blocks_;
  Random random_{1};
  telemetry::StatsStore store_;
  ClusterScopes scopes_;
  WorkerServices services_{loop_, slices_, blocks_, random_, 1};
  ConnectionSupplies supplies_{1};
  std::shared_ptr<ClusterConfig> config_ = std::make_shared<ClusterConfig>();
  std::shared_ptr<HostSlots> slots_ = std::make_shared<HostSlots>();
  ClusterLimitsByPriority limits_;
  // Of each of the config's sockets; none: plain TCP.
  ThreadTlsCells tls_cells_;
  std::unique_ptr<ClusterPools> pools_;
};

}  // namespace nuncio::upstream
