#include "source/server/server.h"

#include <signal.h>

#include <utility>

#include "source/base/logging.h"
#include "source/base/status_macros.h"
#include "source/net/cares_resolver.h"
#include "source/server/concurrency.h"

namespace nuncio::server {
namespace {

// How often main looks whether the last connection is gone while draining.
constexpr Duration kDrainPoll = std::chrono::milliseconds(50);

class NoSubscriptions final : public config::SubscriptionFactory {
 public:
  std::unique_ptr<config::Subscription> Subscribe(const config::ConfigSource&, const config::ResourceType&,
                                                  config::ResourceNames, config::ResourceWatcher&) override {
    return nullptr;
  }
};

net::DnsResolverFactory ResolverFactory(event::EventLoop& loop) {
  return [&loop](const net::DnsOptions& options) { return std::make_unique<net::CaresResolver>(loop, options); };
}

access_log::LogWriter::Options LogOptions(const Options& options) {
  access_log::LogWriter::Options out;
  out.flush_interval = options.file_flush_interval;
  return out;
}

listener::Worker::Options WorkerOptions(telemetry::StatsStore& stats, listener::ConnectionLimit& limit,
                                        ObjectHome& home, const proxy::LocalNode& node, access_log::LogWriter& logs) {
  listener::Worker::Options out;
  out.stats = &stats;
  out.connection_limit = &limit;
  out.home = &home;
  out.node = &node;
  out.logs = &logs;
  return out;
}

}  // namespace

std::string_view StateName(State state) {
  switch (state) {
    case State::kInitializing:
      return "INITIALIZING";
    case State::kLive:
      return "LIVE";
    case State::kDraining:
      return "DRAINING";
  }
  return "";
}

Server::Server(Options options, std::shared_ptr<const BootstrapConfig> bootstrap)
    : options_(std::move(options)),
      bootstrap_(std::move(bootstrap)),
      node_{bootstrap_->node_cluster, bootstrap_->node_id},
      signals_(loop_, {SIGTERM, SIGINT, SIGUSR1, SIGHUP}, [this](int signal) { OnSignal(signal); }),
      home_(loop_),
      scope_(stats_.GetScope(telemetry::ServerScopeName())),
      server_stats_(scope_->Get<telemetry::ServerStats>(telemetry::kMainSlot)),
      logs_(stats_, LogOptions(options_)),
      main_services_{loop_, slices_, arena_blocks_, random_, telemetry::kMainSlot},
      main_clusters_(main_services_, home_),
      workers_(options_.concurrency.value_or(DefaultConcurrency()),
               WorkerOptions(stats_, connection_limit_, home_, node_, logs_),
               options_.cpuset_threads ? AllowedCpus() : std::vector<int>()),
      clusters_(upstream::ClusterRegistry::Options{loop_, random_, stats_, ResolverFactory(loop_),
                                                   bootstrap_->dns, bootstrap_->upstream_bind,
                                                   static_cast<uint32_t>(workers_.size()) + 1}),
      route_type_(config::DataSourceAccess::kRead),
      subscriptions_(std::make_unique<NoSubscriptions>()),
      routes_(workers_, stats_, route_type_, *subscriptions_),
      listeners_(workers_, routes_, logs_, stats_,
                 {options_.drain_time, options_.drain_strategy == Options::DrainStrategy::kGradual}),
      drain_poll_(loop_, Delegate<void()>::Bind<&Server::OnDrainPoll>(this)),
      drain_end_(loop_, Delegate<void()>::Bind<&Server::OnDrainEnd>(this)),
      stats_timer_(loop_, Delegate<void()>::Bind<&Server::OnStatsTimer>(this)),
      started_(loop_.now()) {
  signal(SIGPIPE, SIG_IGN);
  stats_.SetTagRules(bootstrap_->tag_rules);
  if (bootstrap_->stats_filter.has_value()) {
    stats_.SetMatcher([bootstrap = bootstrap_](std::string_view name) { return bootstrap->stats_filter->Shows(name); });
  }
  connection_limit_.SetMax(bootstrap_->max_downstream_connections);
  clusters_.AddThread(loop_, main_clusters_);
  for (size_t i = 0; i < workers_.size(); ++i) clusters_.AddThread(workers_.at(i).loop(), workers_.at(i).clusters());
}

Server::~Server() {
  workers_.Stop();
  main_clusters_.Clear();
  loop_.RunOnce();
  logs_.Stop(std::chrono::seconds(1));
}

absl::Status Server::Start() {
  config::Faults faults;
  {
    config::Faults::Scope scope(faults, "static_resources");
    for (size_t i = 0; i < bootstrap_->listeners.size(); ++i) {
      config::Faults::Scope each(faults, "listeners", i);
      listeners_.AddStatic(bootstrap_->listeners[i].config, bootstrap_->listeners[i].bytes, faults);
    }
  }
  if (!faults.empty()) return faults.ToStatus(options_.config_path);
  for (const auto& cluster : bootstrap_->clusters) clusters_.AddStatic(cluster.config, cluster.bytes);
  workers_.Start();
  server_stats_.concurrency.Set(static_cast<int64_t>(workers_.size()));
  server_stats_.live.Set(0);
  stats_timer_.Arm(bootstrap_->stats_flush_interval);
  clusters_.WhenStartMayGoOn([this] { OnClustersReady(); });
  return absl::OkStatus();
}

void Server::OnClustersReady() {
  listeners_.StartAccepting();
  listeners_.WhenWarm([this] { OnListenersReady(); });
}

void Server::OnListenersReady() {
  if (state_ != State::kInitializing) return;
  state_ = State::kLive;
  server_stats_.initialization_time_ms.Record(
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(loop_.FreshNow() - started_).count()));
  CountServerStats();
  NUNCIO_LOG(kMain, kInfo, "all clusters and listeners are ready; ", workers_.size(), " workers serve");
}

void Server::Run() { loop_.Run(); }

void Server::OnSignal(int signal) {
  switch (signal) {
    case SIGUSR1:
      Log::Reopen();
      logs_.ReopenAll();
      return;
    case SIGHUP:
      NUNCIO_LOG(kMain, kWarning, "SIGHUP is ignored: dynamic configuration is taken up as it changes");
      return;
    default:
      Shutdown();
      return;
  }
}

void Server::Shutdown() {
  if (state_ == State::kDraining) {
    NUNCIO_LOG(kMain, kInfo, "told to end a second time: ending now");
    loop_.Exit();
    return;
  }
  state_ = State::kDraining;
  CountServerStats();
  NUNCIO_LOG(kMain, kInfo, "draining: for at most ", options_.drain_time.count(), " s");
  listeners_.StopListening(/*inbound_only=*/false);
  const listener::DrainPlan plan{options_.drain_time, /*gradual=*/false};
  workers_.PostToAll([plan](listener::Worker& worker) { worker.DrainConnections(plan, /*health_fail=*/false); });
  drain_end_.Arm(options_.drain_time);
  drain_rounds_ = 0;
  OnDrainPoll();
}

void Server::OnDrainPoll() {
  // The first rounds only let the workers act and count.
  if (++drain_rounds_ > 2 && workers_.connections() == 0) {
    NUNCIO_LOG(kMain, kInfo, "drained: the last connection is gone");
    loop_.Exit();
    return;
  }
  workers_.PostToAll([](listener::Worker& worker) { worker.CountConnections(); });
  drain_poll_.Arm(kDrainPoll);
}

void Server::OnDrainEnd() {
  NUNCIO_LOG(kMain, kWarning, "the drain time is over: closing ", workers_.connections(), " connections");
  loop_.Exit();
}

void Server::OnStatsTimer() {
  CountServerStats();
  // In slices, so that many clusters do not hold up the loop.
  const bool done = stats_.TurnInterval(/*max_scopes=*/500);
  stats_timer_.Arm(done ? bootstrap_->stats_flush_interval : Duration(1));
}

void Server::CountServerStats() {
  server_stats_.uptime.Set(std::chrono::duration_cast<std::chrono::seconds>(loop_.now() - started_).count());
  server_stats_.state.Set(state_ == State::kLive ? 0 : state_ == State::kDraining ? 1 : 2);
  server_stats_.live.Set(state_ == State::kLive ? 1 : 0);
  server_stats_.total_connections.Set(static_cast<int64_t>(connection_limit_.active()));
}

}  // namespace nuncio::server
