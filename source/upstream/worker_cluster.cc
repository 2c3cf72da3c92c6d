#include "source/upstream/worker_cluster.h"

namespace nuncio::upstream {
namespace {

ThreadTlsCells CellsOf(const PublishedCluster& cluster, telemetry::StatsSlot slot) {
  ThreadTlsCells cells;
  for (const tls::ClientContextCells& of_socket : cluster.tls()) {
    cells.push_back(of_socket.empty() ? nullptr : of_socket[slot]);
  }
  return cells;
}

}  // namespace

WorkerCluster::WorkerCluster(const PublishedCluster& cluster, const WorkerServices& services,
                             ConnectionSupplies& supplies, ObjectHome& home)
    : config_(cluster.config()),
      scopes_(cluster.scopes()),
      loop_(services.loop),
      home_(home),
      traffic_(scopes_.cluster->Get<telemetry::ClusterTrafficStats>(services.slot)),
      grpc_(scopes_.cluster, services.slot),
      hosts_(cluster.hosts(), home),
      balancer_(config_->balancer, services.random, services.slot,
                scopes_.cluster->Get<telemetry::ClusterBalancerStats>(services.slot)),
      pools_(config_, cluster.limits(), scopes_, cluster.default_bind(), CellsOf(cluster, services.slot), services,
             supplies) {
  balancer_.SetHosts(*hosts_);
}

HostRef WorkerCluster::PickHost() {
  const Host* host = balancer_.Pick();
  if (host == nullptr) return {};
  if (host->slot() >= local_hosts_.size()) local_hosts_.resize(host->slot() + 1);
  HostRef& local = local_hosts_[host->slot()];
  if (!local) local = HostRef(host->shared_from_this(), home_);
  return local;
}

void WorkerCluster::SetHosts(HostSetPtr hosts, const HostList& removed) {
  LocalRef<HostSet> replaced = std::exchange(hosts_, LocalRef<HostSet>(std::move(hosts), home_));
  balancer_.SetHosts(*hosts_);
  for (const HostPtr& host : removed) {
    if (host->slot() < local_hosts_.size()) local_hosts_[host->slot()].reset();
  }
  if (config_->close_connections_on_host_set_change) {
    pools_.Drain();
    return;
  }
  for (const HostPtr& host : removed) pools_.OnHostRemoved(*host);
}

void WorkerCluster::Retire() {
  retired_ = true;
  pools_.Drain();
}

}  // namespace nuncio::upstream
