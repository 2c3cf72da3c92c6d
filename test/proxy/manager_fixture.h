#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "source/access_log/log_writer.h"
#include "source/access_log/worker_log.h"
#include "source/base/arena.h"
#include "source/base/clock.h"
#include "source/base/random.h"
#include "source/event/event_loop.h"
#include "source/proxy/connection_manager.h"
#include "source/proxy/downstream_connection.h"
#include "source/proxy/stream.h"
#include "source/telemetry/stats_store.h"
#include "source/upstream/worker_clusters.h"
#include "test/http/h2/frames.h"

// A connection manager on one loop, whose time moves by command, between clients on sockets and hosts that the test
// plays.
namespace nuncio::proxy {

// A client's end of a connection that the manager serves. Never blocks.
class FakeClient {
 public:
  explicit FakeClient(int fd) : fd_(fd) {}
  FakeClient(const FakeClient&) = delete;
  FakeClient& operator=(const FakeClient&) = delete;
  ~FakeClient();

  void Send(std::string_view bytes);
  // As much as the kernel takes.
  void TrySend(std::string_view bytes);
  // All that came so far.
  const std::string& Received();
  // Whether the proxy has ended the connection, by FIN or RST.
  bool SawEnd();
  bool SawReset();
  void Close();
  // Sends a FIN.
  void End();

  // Over HTTP/2: the bodies that came on a stream; what came so far is read as frames.
  std::string Body(uint32_t stream_id);
  // The last of this type; null where none came.
  const http::h2::ParsedFrame* Find(uint8_t type, uint32_t stream_id);
  // Preface and SETTINGS, with their acknowledgement.
  void BeginHttp2();

 private:
  int fd_;
  std::string received_;
  size_t read_as_frames_ = 0;
  bool ended_ = false;
  bool reset_ = false;
  http::h2::FrameReader reader_;
  std::vector<http::h2::ParsedFrame> frames_;
};

class ManagerFixture : public testing::Test, private ObjectHome, private filter::ConnectionOwner {
 protected:
  ManagerFixture();
  ~ManagerFixture() override;

  // `routes`: of the only virtual host, as in YAML; `virtual_host`: more of its fields. Before the first client.
  void SetRoutes(std::string_view routes, std::string_view virtual_host = "");
  // "backend", with `cluster_` and these hosts. Host names: `a.host`, `b.host`...
  void PutCluster(const std::vector<net::Address>& hosts);
  // A connection that is served with `config_`.
  std::unique_ptr<FakeClient> Connect();
  HttpConnectionManager& manager();

  // Moves the bytes of the test's hosts; whoever has some overrides it.
  virtual void Pump() {}
  // Enough turns for what can happen to have happened.
  void Settle() {
    for (int turn = 0; turn < 50; ++turn) {
      Pump();
      loop_.RunOnce();
    }
  }
  // False where it never comes to pass.
  template <typename Done>
  bool Until(Done&& done) {
    for (int turn = 0; turn < 20000; ++turn) {
      if (done()) return true;
      Pump();
      loop_.RunOnce();
    }
    return done();
  }
  void Advance(Duration by) {
    clock_.Advance(by);
    Settle();
  }
  // "http.test.downstream_cx_active", "cluster.backend.upstream_cx_total"...
  int64_t Stat(std::string_view name) { return store_.Find(name).value_or(0); }

  SimulatedClock clock_;
  // The loop destroys the last of them.
  SlabPool connections_{sizeof(DownstreamConnection)};
  event::EventLoop loop_{clock_};
  buffer::SlicePool slices_;
  ArenaBlockPool blocks_;
  Random random_{1};
  telemetry::StatsStore store_;
  std::shared_ptr<ConnectionManagerConfig> config_ = std::make_shared<ConnectionManagerConfig>();
  // How often the manager looked at its connections.
  int looks_ = 0;
  std::shared_ptr<upstream::ClusterConfig> cluster_ = std::make_shared<upstream::ClusterConfig>();
  HttpFilters filters_;
  uint32_t buffer_limit_ = 1 << 20;

 private:
  void TakeBack(std::shared_ptr<const void>) override {}
  void OnConnectionClosed(const access_log::StreamInfo&) override {}
  void OnTrimSoon() { ++looks_; }

  access_log::LogWriter writer_{store_, {}};
  access_log::WorkerLog log_{writer_, loop_, 1};
  http::DateText date_;
  ObjectPool<Stream> streams_;
  const LocalNode node_;
  upstream::WorkerServices upstream_services_{loop_, slices_, blocks_, random_, 1};
  upstream::WorkerClusters clusters_{upstream_services_, *this};
  WorkerServices services_{upstream_services_, date_,
                           log_,               clusters_,
                           store_,             node_,
                           streams_,           connections_,
                           clusters_.http2_pools(),
                           Delegate<void()>::Bind<&ManagerFixture::OnTrimSoon>(this)};
  std::shared_ptr<upstream::HostSlots> slots_ = std::make_shared<upstream::HostSlots>();
  telemetry::ScopePtr cluster_scope_;
  std::shared_ptr<RouteCell> routes_ = std::make_shared<RouteCell>();
  std::unique_ptr<HttpConnectionManager> manager_;
};

}  // namespace nuncio::proxy
