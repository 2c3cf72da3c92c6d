#include "source/upstream/cluster.h"

#include <algorithm>
#include <utility>

#include "source/base/logging.h"
#include "source/telemetry/ssl_stats.h"
#include "source/upstream/eds_discovery.h"
#include "source/upstream/logical_dns_discovery.h"
#include "source/upstream/static_discovery.h"
#include "source/upstream/strict_dns_discovery.h"

namespace nuncio::upstream {
namespace {

ClusterScopes MakeScopes(const ClusterConfig& config, telemetry::StatsStore& stats) {
  ClusterScopes scopes;
  scopes.cluster = stats.GetScope(telemetry::ClusterScopeName(config.stat_name()));
  scopes.circuit_breakers[0] = stats.GetScope(telemetry::ClusterCircuitBreakersScopeName(config.stat_name(), "default"));
  scopes.circuit_breakers[1] = stats.GetScope(telemetry::ClusterCircuitBreakersScopeName(config.stat_name(), "high"));
  const bool tls = std::any_of(config.sockets.begin(), config.sockets.end(),
                               [](const UpstreamSocket& socket) { return socket.tls != nullptr; });
  if (tls) {
    scopes.client_ssl_factory =
        stats.GetScope(telemetry::ClusterScopeName(config.stat_name()).Add("client_ssl_socket_factory"));
    scopes.cluster->Declare<telemetry::SslCounters>();
  }
  scopes.cluster->Declare<telemetry::ClusterTrafficStats>();
  scopes.cluster->Declare<telemetry::ClusterBalancerStats>();
  for (const telemetry::ScopePtr& scope : scopes.circuit_breakers) scope->Declare<telemetry::CircuitBreakerStats>();
  return scopes;
}

}  // namespace

Cluster::Cluster(ClusterResource resource, const ClusterServices& services, std::shared_ptr<net::DnsResolver> resolver,
                 std::vector<std::shared_ptr<tls::LiveClientContext>> contexts, Owner& owner)
    : resource_(std::move(resource)),
      services_(services),
      resolver_(std::move(resolver)),
      contexts_(std::move(contexts)),
      scopes_(MakeScopes(*resource_.config, services.stats)),
      limits_(MakeClusterLimits(*resource_.config, services.slots)),
      stats_(scopes_.cluster->Get<telemetry::ClusterMembershipStats>(telemetry::kMainSlot)),
      owner_(&owner) {}

Cluster::~Cluster() = default;

std::unique_ptr<Discovery> Cluster::MakeDiscovery() {
  const std::shared_ptr<const ClusterConfig>& config = resource_.config;
  DiscoveryReceiver& receiver = *this;
  switch (config->discovery) {
    case DiscoveryType::kStatic:
      return std::make_unique<StaticDiscovery>(config, services_.slots, receiver);
    case DiscoveryType::kStrictDns:
      return std::make_unique<StrictDnsDiscovery>(config, services_.slots, *resolver_, services_.loop, services_.random,
                                                  stats_, receiver);
    case DiscoveryType::kLogicalDns:
      return std::make_unique<LogicalDnsDiscovery>(config, services_.slots, *resolver_, services_.loop,
                                                   services_.random, stats_, receiver);
    case DiscoveryType::kEds:
      if (services_.subscriptions == nullptr) return nullptr;
      return std::make_unique<EdsDiscovery>(config, services_.slots, *services_.subscriptions, stats_,
                                            receiver);
  }
  return nullptr;
}

void Cluster::Start() {
  stats_.warming_state.Set(1);
  for (const auto& context : contexts_) {
    if (context != nullptr && !context->ready()) context->WhenReady(self_, [this] { CheckWarm(); });
  }
  discovery_ = MakeDiscovery();
  if (discovery_ != nullptr) return discovery_->Start();
  NUNCIO_LOG(kUpstream, kWarning, "cluster ", name(), ": nothing to discover endpoints with; it stays without any");
  OnFirstAnswer();
}

void Cluster::SetActive() {
  active_ = true;
  stats_.warming_state.Set(0);
  ShowMembership();
}

PublishedCluster Cluster::Publish() const {
  std::vector<tls::ClientContextCells> tls;
  for (const auto& context : contexts_) tls.push_back(context == nullptr ? tls::ClientContextCells() : context->cells());
  return {resource_.config, limits_, scopes_, services_.default_bind, hosts_, std::move(tls)};
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
    stats_.update_no_rebuild.Inc();
    return;
  }
  hosts_ = result.hosts;
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
