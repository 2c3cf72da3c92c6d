#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "source/access_log/log_writer.h"
#include "source/admin/admin_server.h"
#include "source/base/local_ref.h"
#include "source/bootstrap/bootstrap_config.h"
#include "source/bootstrap/options.h"
#include "source/event/event_loop.h"
#include "source/event/signals.h"
#include "source/listener/listener_compiler.h"
#include "source/listener/listener_registry.h"
#include "source/listener/route_registry.h"
#include "source/listener/worker_pool.h"
#include "source/proxy/route_configuration_type.h"
#include "source/telemetry/server_stats.h"
#include "source/telemetry/stats_store.h"
#include "source/tls/context_compiler.h"
#include "source/tls/secret/context_registry.h"
#include "source/upstream/cluster_registry.h"
#include "source/xds/cluster_watcher.h"
#include "source/xds/xds_client.h"

namespace nuncio::server {

enum class State { kInitializing, kLive, kDraining };

// The whole process: the main loop and what it owns, the workers, and the order in which all of it starts and ends.
// Main thread.
class Server final : private admin::ServerControl {
 public:
  // `unknown_fields`: how many of the bootstrap's fields have no effect.
  Server(bootstrap::Options options, std::shared_ptr<const bootstrap::BootstrapConfig> bootstrap,
         uint64_t unknown_fields = 0);
  ~Server();

  // Binds the static listeners and starts. An error means that nothing serves.
  absl::Status Start();
  // Serves until told to end; returns when the last request is over, the drain time has passed, or at the second
  // request to end.
  void Run();

  // Ends in good order: `/ready` turns 503, accept queues are emptied, connections are drained.
  void Shutdown();

 private:
  // Takes published objects back from the workers and drops them on the main thread.
  class Home final : public ObjectHome {
   public:
    explicit Home(event::EventLoop& loop) : loop_(loop) {}
    void TakeBack(std::shared_ptr<const void> object) override {
      loop_.Post([object = std::move(object)] {});
    }

   private:
    event::EventLoop& loop_;
  };

  // admin::ServerControl
  admin::ServerState state() const override;
  uint32_t concurrency() const override { return static_cast<uint32_t>(workers_.size()); }
  SystemTime started_at() const override { return started_system_; }
  Duration uptime() const override { return loop_.now() - started_; }
  void SetHealthFailing(bool failing) override;
  void DrainListeners(const ListenerDrain& drain) override;
  void Quit() override;

  tls::SecretServices TlsServices();
  absl::Status StartAdmin();
  void OnListenersDrained();
  void OnSignal(int signal);
  // The start, in this order: the bootstrap's clusters are warm, CDS has answered, its clusters are warm, LDS has
  // answered, all listeners are warm.
  void OnStaticClustersReady();
  void OnClustersReady();
  void OnListenersReady();
  void OnDrainPoll();
  void OnDrainEnd();
  void OnStatsTimer();
  void CountServerStats();

  const bootstrap::Options options_;
  const std::shared_ptr<const bootstrap::BootstrapConfig> bootstrap_;
  const proxy::LocalNode node_;
  event::EventLoop loop_;
  event::SignalWatcher signals_;
  Home home_;
  telemetry::StatsStore stats_;
  const telemetry::ScopePtr scope_;
  telemetry::ServerStats& server_stats_;
  access_log::LogWriter logs_;
  listener::ConnectionLimit connection_limit_;
  buffer::SlicePool slices_;
  ArenaBlockPool arena_blocks_;
  Random random_;
  upstream::WorkerServices main_services_;
  upstream::WorkerClusters main_clusters_;
  listener::WorkerPool workers_;
  const proxy::RouteConfigurationType route_type_;
  const listener::ListenerType listener_type_;
  const tls::SecretType secret_type_;
  // Outlives whoever subscribes.
  xds::XdsClient xds_;
  tls::ContextRegistry contexts_;
  upstream::ClusterRegistry clusters_;
  xds::ClusterWatcher cluster_watcher_;
  listener::RouteRegistry routes_;
  listener::ListenerRegistry listeners_;
  std::unique_ptr<config::Subscription> cds_;
  std::unique_ptr<config::Subscription> lds_;
  event::Timer drain_poll_;
  event::Timer drain_end_;
  // Runs while /drain_listeners?graceful does.
  event::Timer listeners_drained_;
  event::Timer stats_timer_;
  const MonotonicTime started_;
  const SystemTime started_system_;
  // Null where the bootstrap has no `admin`.
  std::unique_ptr<admin::AdminServer> admin_;
  State state_ = State::kInitializing;
  bool health_failing_ = false;
  // What listeners_drained_ is for.
  ListenerDrain listener_drain_;
  uint32_t drain_rounds_ = 0;
};

}  // namespace nuncio::server
