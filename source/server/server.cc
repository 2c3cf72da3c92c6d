#include "source/server/server.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <utility>

#include "source/base/logging.h"
#include "source/base/process_memory.h"
#include "source/base/status_macros.h"
#include "source/base/version.h"
#include "source/extensions/http_filter_types.h"
#include "source/net/cares_resolver.h"
#include "source/server/concurrency.h"
#include "source/server/key_log_file.h"
#include "source/upstream/resource_types.h"
#include "source/xds/grpc_transport.h"

namespace nuncio::server {
namespace {

// How often main looks whether the last connection is gone while draining.
constexpr Duration kDrainPoll = std::chrono::milliseconds(50);

config::UnknownFieldsPolicy DynamicUnknownFields(const bootstrap::Options& options) {
  using Action = config::UnknownFieldsPolicy::Action;
  if (options.reject_unknown_dynamic_fields) return {Action::kReject};
  return {options.ignore_unknown_dynamic_fields ? Action::kIgnore : Action::kWarn};
}

xds::XdsClient::Options XdsOptions(const bootstrap::Options& options, const bootstrap::BootstrapConfig& bootstrap,
                                   event::EventLoop& loop, Random& random, telemetry::StatsStore& stats,
                                   telemetry::ServerStats& server_stats) {
  return {loop,
          random,
          stats,
          server_stats.dynamic_unknown_fields,
          DynamicUnknownFields(options),
          bootstrap.node_bytes,
          bootstrap.ads,
          options.state_dir};
}

net::DnsResolverFactory ResolverFactory(event::EventLoop& loop) {
  return [&loop](const net::DnsOptions& options) { return std::make_unique<net::CaresResolver>(loop, options); };
}

access_log::LogWriter::Options LogOptions(const bootstrap::Options& options) {
  access_log::LogWriter::Options out;
  out.flush_interval = options.file_flush_interval;
  out.buffer_bytes = size_t{options.file_flush_min_size_kb} << 10;
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

// Whole or not at all: whoever waits for the file never reads half an address.
absl::Status WriteFile(const std::string& path, std::string_view text) {
  const std::string temporary = StrCat(path, ".tmp");
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoStatus(errno, temporary);
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  close(fd);
  if (!written) return ErrnoStatus(error, temporary);
  if (rename(temporary.c_str(), path.c_str()) != 0) return ErrnoStatus(errno, path);
  return absl::OkStatus();
}

}  // namespace

Server::Server(bootstrap::Options options, std::shared_ptr<const bootstrap::BootstrapConfig> bootstrap,
               uint64_t unknown_fields)
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
      route_type_(config::DataSourceAccess::kRead, extensions::HttpFilterTypes()),
      listener_type_(config::DataSourceAccess::kRead),
      secret_type_(config::DataSourceAccess::kRead),
      xds_(XdsOptions(options_, *bootstrap_, loop_, random_, stats_, server_stats_),
           std::make_unique<xds::GrpcTransport>(main_services_, main_clusters_)),
      contexts_(TlsServices()),
      clusters_(upstream::ClusterRegistry::Options{loop_, random_, stats_, ResolverFactory(loop_),
                                                   bootstrap_->dns, bootstrap_->upstream_bind,
                                                   static_cast<uint32_t>(workers_.size()) + 1, &contexts_}),
      cluster_watcher_(clusters_, stats_),
      routes_(workers_, stats_, route_type_, xds_),
      listeners_(workers_, routes_, contexts_, logs_, stats_,
                 {options_.drain_time, options_.drain_strategy == bootstrap::Options::DrainStrategy::kGradual}),
      drain_poll_(loop_, Delegate<void()>::Bind<&Server::OnDrainPoll>(this)),
      drain_end_(loop_, Delegate<void()>::Bind<&Server::OnDrainEnd>(this)),
      listeners_drained_(loop_, Delegate<void()>::Bind<&Server::OnListenersDrained>(this)),
      stats_timer_(loop_, Delegate<void()>::Bind<&Server::OnStatsTimer>(this)),
      started_(loop_.now()),
      started_system_(loop_.SystemNow()) {
  signal(SIGPIPE, SIG_IGN);
  server_stats_.static_unknown_fields.Add(unknown_fields);
  stats_.SetTagRules(bootstrap_->tag_rules);
  if (bootstrap_->stats_filter.has_value()) {
    stats_.SetMatcher([bootstrap = bootstrap_](std::string_view name) { return bootstrap->stats_filter->Shows(name); });
  }
  connection_limit_.SetMax(bootstrap_->max_downstream_connections);
  clusters_.SetSubscriptions(xds_, [this](auto job) { xds_.thread().Run(std::move(job)); });
  contexts_.SetSubscriptions(xds_);
  contexts_.AddThread(loop_);
  for (size_t i = 0; i < workers_.size(); ++i) contexts_.AddThread(workers_.at(i).loop());
  clusters_.AddThread(loop_, main_clusters_);
  for (size_t i = 0; i < workers_.size(); ++i) clusters_.AddThread(workers_.at(i).loop(), workers_.at(i).clusters());
}

Server::~Server() {
  admin_.reset();
  workers_.Stop();
  xds_.Stop();
  main_clusters_.Clear();
  loop_.RunOnce();
  logs_.Stop(std::chrono::seconds(1));
}

tls::SecretServices Server::TlsServices() {
  tls::SecretServices out{loop_, stats_, [this](auto job) { xds_.thread().Run(std::move(job)); }, secret_type_};
  out.open_key_log = [this](const std::string& path) { return KeyLogFile::Open(logs_, path); };
  return out;
}

absl::Status Server::Start() {
  config::Faults faults;
  for (const auto& secret : bootstrap_->secrets) contexts_.secrets().AddStatic(secret.config, secret.bytes);
  {
    config::Faults::Scope scope(faults, "static_resources");
    for (size_t i = 0; i < bootstrap_->listeners.size(); ++i) {
      config::Faults::Scope each(faults, "listeners", i);
      listeners_.AddStatic(bootstrap_->listeners[i].config, bootstrap_->listeners[i].bytes, faults);
    }
  }
  for (size_t i = 0; i < bootstrap_->clusters.size(); ++i) {
    config::Faults::Scope scope(faults, "static_resources");
    config::Faults::Scope each(faults, "clusters", i);
    faults.Append(clusters_.AddStatic(bootstrap_->clusters[i].config, bootstrap_->clusters[i].bytes));
  }
  if (!faults.empty()) return faults.ToStatus(options_.config_path);
  if (absl::Status status = StartAdmin(); !status.ok()) return status;
  workers_.Start();
  server_stats_.version.Set(kVersionNumber);
  server_stats_.hot_restart_epoch.Set(options_.restart_epoch);
  server_stats_.concurrency.Set(static_cast<int64_t>(workers_.size()));
  server_stats_.live.Set(0);
  stats_timer_.Arm(bootstrap_->stats_flush_interval);
  clusters_.WhenStartMayGoOn([this] { OnStaticClustersReady(); });
  return absl::OkStatus();
}

void Server::OnStaticClustersReady() {
  if (!bootstrap_->cds.has_value()) {
    OnClustersReady();
    return;
  }
  cds_ = xds_.Subscribe(*bootstrap_->cds, upstream::ClusterResourceType(), config::ResourceNames::All(),
                        cluster_watcher_);
  cluster_watcher_.WhenFirstAnswer([this] { clusters_.WhenStartMayGoOn([this] { OnClustersReady(); }); });
}

absl::Status Server::StartAdmin() {
  if (!bootstrap_->admin.has_value()) return absl::OkStatus();
  admin_ = std::make_unique<admin::AdminServer>(admin::AdminServices{
      loop_, stats_, clusters_, listeners_, routes_, contexts_, logs_, connection_limit_, options_, *bootstrap_, *this,
      [this](std::string_view type_url) {
        std::vector<admin::RefusedResource> out;
        for (xds::ResourceStatus& each : xds_.Statuses(type_url)) {
          if (each.state != xds::ResourceStatus::State::kNacked) continue;
          out.push_back({std::move(each.name), std::move(each.rejected_version), std::move(each.error),
                         each.rejected_at});
        }
        return out;
      }});
  const std::string& where = options_.config_path.empty() ? "--config-yaml" : options_.config_path;
  if (absl::Status status = admin_->Start(); !status.ok()) {
    return InvalidArgument(StrCat(where, ": ", status.message()));
  }
  if (options_.admin_address_path.empty()) return absl::OkStatus();
  if (absl::Status status = WriteFile(options_.admin_address_path, admin_->address().ToString()); !status.ok()) {
    return InvalidArgument(StrCat("--admin-address-path: ", status.message()));
  }
  return absl::OkStatus();
}

admin::ServerState Server::state() const {
  if (state_ == State::kInitializing) return admin::ServerState::kInitializing;
  if (state_ == State::kDraining || health_failing_) return admin::ServerState::kDraining;
  return admin::ServerState::kLive;
}

void Server::SetHealthFailing(bool failing) {
  if (failing == health_failing_) return;
  health_failing_ = failing;
  CountServerStats();
  NUNCIO_LOG(kMain, kInfo, failing ? "told to fail health checks" : "told to pass health checks again");
  workers_.PostToAll([failing](listener::Worker& worker) { worker.SetHealthFailing(failing); });
}

void Server::DrainListeners(const ListenerDrain& drain) {
  if (state_ == State::kDraining) return;
  const bool inbound_only = drain.inbound_only;
  if (!drain.graceful) {
    listeners_.StopListening(inbound_only);
    return;
  }
  // A drain of all listeners that is under way covers that of inbound ones; a second call does not begin anew.
  if (listeners_drained_.armed() && (inbound_only || !listener_drain_.inbound_only)) {
    // But listening ends after it where one of them wants that.
    if (inbound_only == listener_drain_.inbound_only && !drain.keep_listening) listener_drain_.keep_listening = false;
    return;
  }
  NUNCIO_LOG(kMain, kInfo, "draining ", inbound_only ? "inbound" : "all", " listeners for ",
             options_.drain_time.count(), " s");
  const listener::DrainPlan plan{options_.drain_time,
                                 options_.drain_strategy == bootstrap::Options::DrainStrategy::kGradual,
                                 /*close_at_end=*/false};
  workers_.PostToAll([plan, inbound_only](listener::Worker& worker) { worker.DrainConnections(plan, inbound_only); });
  listener_drain_ = drain;
  listeners_drained_.Arm(options_.drain_time);
}

void Server::OnListenersDrained() {
  if (!listener_drain_.keep_listening) listeners_.StopListening(listener_drain_.inbound_only);
}

void Server::Quit() {
  NUNCIO_LOG(kMain, kInfo, "told by the admin interface to end now");
  loop_.Post([this] { loop_.Exit(); });
}

void Server::OnClustersReady() {
  listeners_.StartAccepting();
  if (!bootstrap_->lds.has_value()) {
    listeners_.WhenWarm([this] { OnListenersReady(); });
    return;
  }
  lds_ = xds_.Subscribe(*bootstrap_->lds, listener_type_, config::ResourceNames::All(), listeners_);
  listeners_.WhenFirstAnswer([this] { listeners_.WhenWarm([this] { OnListenersReady(); }); });
}

void Server::OnListenersReady() {
  if (state_ != State::kInitializing) return;
  state_ = State::kLive;
  server_stats_.initialization_time_ms.Record(static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(loop_.FreshNow() - started_).count()));
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
  workers_.PostToAll([plan](listener::Worker& worker) { worker.DrainConnections(plan, /*inbound_only=*/false); });
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
  // As envoy.admin.v3.ServerInfo.State numbers them.
  switch (state()) {
    case admin::ServerState::kLive:
      server_stats_.state.Set(0);
      break;
    case admin::ServerState::kDraining:
      server_stats_.state.Set(1);
      break;
    case admin::ServerState::kInitializing:
      server_stats_.state.Set(3);
      break;
  }
  server_stats_.live.Set(state() == admin::ServerState::kLive ? 1 : 0);
  if (const auto days = contexts_.DaysUntilFirstExpiry()) server_stats_.days_until_first_cert_expiring.Set(*days);
  if (const auto seconds = contexts_.SecondsUntilFirstOcspExpiry()) {
    server_stats_.seconds_until_first_ocsp_response_expiring.Set(*seconds);
  }
  server_stats_.total_connections.Set(static_cast<int64_t>(connection_limit_.active()));
  const ProcessMemory memory = ReadProcessMemory();
  server_stats_.memory_allocated.Set(static_cast<int64_t>(memory.allocated));
  server_stats_.memory_heap_size.Set(static_cast<int64_t>(memory.heap_size));
  server_stats_.memory_physical_size.Set(static_cast<int64_t>(memory.physical));
}

}  // namespace nuncio::server
