#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/arena.h"
#include "source/base/clock.h"
#include "source/base/random.h"
#include "source/event/event_loop.h"
#include "source/grpc/client.h"
#include "source/telemetry/stats_store.h"
#include "source/upstream/worker_clusters.h"
#include "test/http/h2/server_peer.h"
#include "test/upstream/pool/pool_fixture.h"

// gRPC calls over a cluster's real pool to servers of nghttp2 over loopback; time moves by command.
namespace nuncio::grpc {

using http::h2::Fields;

// A listening socket behind which every connection is an HTTP/2 server that does what the test says.
class GrpcServer {
 public:
  explicit GrpcServer(const http::h2::ServerPeer::Options& options = {}) : options_(options) {}
  const net::Address& address() const { return socket_.address(); }
  // Moves bytes both ways. Returns whether there were any.
  bool Pump();
  // The server's end of the newest connection.
  http::h2::ServerPeer& peer() { return *peers_.back().peer; }
  size_t connections() const { return peers_.size(); }
  void CloseAll();

 private:
  struct Connection {
    std::unique_ptr<http::h2::ServerPeer> peer;
    size_t fed = 0;
  };
  const http::h2::ServerPeer::Options options_;
  upstream::FakeServer socket_;
  std::vector<Connection> peers_;
};

// A gRPC message on the wire.
std::string Frame(std::string_view message);

class GrpcFixture : public testing::Test, private ObjectHome {
 protected:
  GrpcFixture();
  ~GrpcFixture() override;

  // "backend", with one endpoint where `address` is given.
  void PutCluster(const net::Address* address);
  // Turns the loop and the server until `done`; false where that does not come to pass.
  template <typename Done>
  bool Until(Done&& done) {
    for (int turn = 0; turn < 20000; ++turn) {
      if (done()) return true;
      loop_.RunOnce();
      server_.Pump();
    }
    return done();
  }
  // Enough turns for what can happen to have happened.
  void Settle() {
    for (int turn = 0; turn < 50; ++turn) {
      loop_.RunOnce();
      server_.Pump();
    }
  }
  int64_t Stat(std::string_view name);

  SimulatedClock clock_;
  event::EventLoop loop_{clock_};
  buffer::SlicePool slices_;
  ArenaBlockPool blocks_;
  Random random_{1};
  telemetry::StatsStore store_;
  // Kept, so that what was counted can be read when the cluster is gone.
  telemetry::ScopePtr scope_;
  upstream::WorkerServices services_{loop_, slices_, blocks_, random_, 1};
  upstream::WorkerClusters clusters_{services_, *this};
  std::shared_ptr<upstream::ClusterConfig> config_ = std::make_shared<upstream::ClusterConfig>();
  std::shared_ptr<upstream::HostSlots> slots_ = std::make_shared<upstream::HostSlots>();
  Client client_{services_, clusters_};
  config::GrpcTarget target_;
  GrpcServer server_;

 private:
  void TakeBack(std::shared_ptr<const void>) override {}
};

}  // namespace nuncio::grpc
