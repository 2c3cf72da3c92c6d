#include "source/upstream/worker_clusters.h"

#include <utility>

namespace nuncio::upstream {

void WorkerClusters::Clear() {
  published_.clear();
  const Used used = std::exchange(used_, Used());
  for (const auto& [name, cluster] : used) {
    cluster->Retire();
    cluster->pools().CloseAll();
  }
}

WorkerClusterRef WorkerClusters::Use(std::string_view name) {
  const auto it = published_.find(name);
  if (it == published_.end()) return {};
  const PublishedCluster& cluster = **it;
  WorkerClusterRef used(new WorkerCluster(cluster, services_, supplies_, home_));
  used_.emplace(cluster.config()->name, used);
  return used;
}

void WorkerClusters::Put(PublishedClusterPtr cluster) {
  Remove(cluster->config()->name);
  published_.insert(std::move(cluster));
}

void WorkerClusters::SetHosts(std::string_view name, HostSetPtr hosts, const HostList& removed) {
  const auto it = used_.find(name);
  if (it != used_.end()) it->second->SetHosts(std::move(hosts), removed);
}

void WorkerClusters::Remove(std::string_view name) {
  const auto it = published_.find(name);
  if (it == published_.end()) return;
  PublishedClusterPtr published = *it;
  published_.erase(it);
  if (const auto at = used_.find(name); at != used_.end()) {
    const WorkerClusterRef used = at->second;
    used_.erase(at);
    used->Retire();
  }
  home_.TakeBack(std::move(published));
}

}  // namespace nuncio::upstream
