#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "source/access_log/log_writer.h"
#include "source/base/local_ref.h"
#include "source/event/event_loop.h"
#include "source/event/signals.h"
#include "source/listener/listener_registry.h"
#include "source/listener/route_registry.h"
#include "source/listener/worker_pool.h"
#include "source/proxy/route_configuration_type.h"
#include "source/server/bootstrap_config.h"
#include "source/server/options.h"
#include "source/telemetry/server_stats.h"
#include "source/telemetry/stats_store.h"
#include "source/upstream/cluster_registry.h"

namespace nuncio::server {

enum class State { kInitializing, kLive, kDraining };
std::string_view StateName(State state);

// The whole process: the main loop and what it owns, the workers, and the order in which all of it starts and ends. Main
// thread.
class Server {
 public:
  Server(Options options, std::shared_ptr<const BootstrapConfig> bootstrap);
  ~Server();

  // Binds the static listeners and starts. An error means that nothing serves.
  absl::Status Start();
  // Serves until told to end; returns when the last request is over, the drain time has passed, or at the second request
  // to end.
  void Run();

  // Ends in good order: `/ready` turns 503, accept queues are emptied, connections are drained.
  void Shutdown();
  State state() const { return state_; }

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

  void OnSignal(int signal);
  void OnClustersReady();
  void OnListenersReady();
  void OnDrainPoll();
  void OnDrainEnd();
  void OnStatsTimer();
  void CountServerStats();

  const Options options_;
  const std::shared_ptr<const BootstrapConfig> bootstrap_;
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
  upstream::ClusterRegistry clusters_;
  proxy::RouteConfigurationType route_type_;
  std::unique_ptr<config::SubscriptionFactory> subscriptions_;
  listener::RouteRegistry routes_;
  listener::ListenerRegistry listeners_;
  event::Timer drain_poll_;
  event::Timer drain_end_;
  event::Timer stats_timer_;
  const MonotonicTime started_;
  State state_ = State::kInitializing;
  uint32_t drain_rounds_ = 0;
};

}  // namespace nuncio::server
