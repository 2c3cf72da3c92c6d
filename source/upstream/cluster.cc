#include "source/upstream/cluster.h"

#include <algorithm>
#include <utility>

#include "source/base/logging.h"
#include "source/telemetry/http2_stats.h"
#include "source/telemetry/ssl_stats.h"
#include "source/upstream/eds_discovery.h"
#include "source/upstream/logical_dns_discovery.h"
#include "source/upstream/static_discovery.h"
#include "source/upstream/strict_dns_discovery.h"

namespace nuncio::upstream {
namespace {

// Statistics that show, as zero, before anything was sent to the cluster.
void DeclareStats(const ClusterConfig& config, bool tls, telemetry::Scope& scope) {
  std::vector<const telemetry::BlockDescriptor*> blocks = {
      &telemetry::ClusterMembershipStats::Descriptor(), &telemetry::ClusterUpdateStats::Descriptor(),
      &telemetry::ClusterTrafficStats::Descriptor(),    &telemetry::ClusterBalancerStats::Descriptor(),
      &telemetry::CircuitBreakerDescriptor(0),          &telemetry::CircuitBreakerDescriptor(1)};
  if (config.protocol != UpstreamProtocol::kHttp2) blocks.push_back(&telemetry::ClusterHttp1Stats::Descriptor());
  if (config.protocol != UpstreamProtocol::kHttp1) blocks.push_back(&telemetry::Http2Stats::Descriptor());
  if (tls) blocks.push_back(&telemetry::SslCounters::Descriptor());
  scope.Declare(blocks);
}

ClusterScopes MakeScopes(const ClusterConfig& config, telemetry::StatsStore& stats) {
  ClusterScopes scopes;
  scopes.cluster = stats.GetScope(telemetry::ClusterScopeName(config.stat_name()));
  const bool tls = std::any_of(config.sockets.begin(), config.sockets.end(),
                               [](const UpstreamSocket& socket) { return socket.tls != nullptr; });
  if (tls) {
    scopes.client_ssl_factory =
        stats.GetScope(telemetry::ClusterScopeName(config.stat_name()).Add("client_ssl_socket_factory"));
  }
  DeclareStats(config, tls, *scopes.cluster);
  return scopes;
}

std::shared_ptr<PublishedCluster> MakePublished(const std::shared_ptr<const ClusterConfig>& config,
                                                const ClusterServices& services,
                                                const std::vector<std::shared_ptr<tls::LiveClientContext>>& contexts) {
  std::vector<tls::ClientContextCells> tls;
  for (const auto& context : contexts) tls.push_back(context == nullptr ? tls::ClientContextCells() : context->cells());
  return std::make_shared<PublishedCluster>(config, MakeScopes(*config, services.stats), services.default_bind,
                                            std::move(tls), services.slots);
}

}  // namespace

Cluster::Cluster(ClusterResource resource, const ClusterServices& services, std::shared_ptr<net::DnsResolver> resolver,
                 std::vector<std::shared_ptr<tls::LiveClientContext>> contexts, Owner& owner)
    : resource_(std::move(resource)),
      services_(services),
      resolver_(std::move(resolver)),
      contexts_(std::move(contexts)),
      published_(MakePublished(resource_.config, services, contexts_)),
      stats_(published_->scopes().cluster->Get<telemetry::ClusterMembershipStats>(telemetry::kMainSlot)),
      owner_(&owner),
      self_(contexts_.empty() ? nullptr : std::make_shared<char>()) {}

Cluster::~Cluster() {
  if (active_) ShowLimits(false);
}

telemetry::ClusterUpdateStats& Cluster::update_stats() {
  return published_->scopes().cluster->Get<telemetry::ClusterUpdateStats>(telemetry::kMainSlot);
}

std::unique_ptr<Discovery> Cluster::MakeDiscovery() {
  const std::shared_ptr<const ClusterConfig>& config = resource_.config;
  DiscoveryReceiver& receiver = *this;
  switch (config->discovery) {
    case DiscoveryType::kStatic:
      return std::make_unique<StaticDiscovery>(config, services_.slots, receiver);
    case DiscoveryType::kStrictDns:
      return std::make_unique<StrictDnsDiscovery>(config, services_.slots, *resolver_, services_.loop, services_.random,
                                                  update_stats(), receiver);
    case DiscoveryType::kLogicalDns:
      return std::make_unique<LogicalDnsDiscovery>(config, services_.slots, *resolver_, services_.loop,
                                                   services_.random, update_stats(), receiver);
    case DiscoveryType::kEds:
      if (services_.subscriptions == nullptr) return nullptr;
      return std::make_unique<EdsDiscovery>(config, services_.slots, *services_.subscriptions, services_.run,
                                            update_stats(), receiver);
  }
  return nullptr;
}

void Cluster::Start() {
  stats_.warming_state.Set(1);
  for (const auto& context : contexts_) {
    if (context != nullptr && !context->ready()) context->WhenReady(self_, [this] { CheckWarm(); });
  }
  discovery_ = MakeDiscovery();
  if (discovery_ != nullptr) {
    discovery_->Start();
    if (config().discovery == DiscoveryType::kStatic) discovery_.reset();
    return;
  }
  NUNCIO_LOG(kUpstream, kWarning, "cluster ", name(), ": nothing to discover endpoints with; it stays without any");
  OnFirstAnswer();
}

void Cluster::SetActive() {
  if (!active_) ShowLimits(true);
  active_ = true;
  stats_.warming_state.Set(0);
  ShowMembership();
}

void Cluster::ShowLimits(bool show) {
  for (size_t priority = 0; priority < kRoutingPriorities; ++priority) {
    const CircuitBreakerThresholds& thresholds = config().circuit_breakers[priority];
    if (!thresholds.track_remaining) continue;
    auto& stats = *static_cast<telemetry::CircuitBreakerStats*>(published_->scopes().cluster->Get(
        telemetry::CircuitBreakerDescriptor(priority), telemetry::kMainSlot));
    const auto add = [show](telemetry::Gauge& gauge, int64_t limit) { gauge.Add(show ? limit : -limit); };
    add(stats.remaining_cx, thresholds.max_connections);
    add(stats.remaining_cx_pools, thresholds.max_connection_pools);
    add(stats.remaining_pending, thresholds.max_pending_requests);
    add(stats.remaining_rq, thresholds.max_requests);
    add(stats.remaining_retries, thresholds.max_retries);
  }
}

void Cluster::ShowMembership() {
  const HostSet::Membership& membership = hosts_->membership();
  stats_.membership_total.Set(membership.total);
  stats_.membership_healthy.Set(membership.healthy);
  stats_.membership_degraded.Set(membership.degraded);
  stats_.membership_excluded.Set(0);
  stats_.max_host_weight.Set(membership.max_weight);
}

void Cluster::OnMembers(const HostSetBuilder::Result& result) {
  if (!result.changed) {
    update_stats().update_no_rebuild.Inc();
    return;
  }
  hosts_ = result.hosts;
  published_->SetHosts(hosts_);
  if (result.added > 0 || !result.removed->empty()) stats_.membership_change.Inc();
  if (active_) ShowMembership();
  if (owner_ != nullptr) owner_->OnMembersChanged(*this, result);
}

void Cluster::OnFirstAnswer() {
  answered_ = true;
  CheckWarm();
}

void Cluster::CheckWarm() {
  if (warm_ || !answered_) return;
  for (const auto& context : contexts_) {
    if (context != nullptr && !context->ready()) return;
  }
  warm_ = true;
  if (owner_ != nullptr) owner_->OnWarm(*this);
}

}  // namespace nuncio::upstream
