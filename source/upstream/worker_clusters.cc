#include "source/upstream/worker_clusters.h"

namespace nuncio::upstream {

void WorkerClusters::Clear() {
  for (auto& [name, cluster] : clusters_) {
    cluster->Retire();
    cluster->pools().CloseAll();
  }
  clusters_.clear();
}

void WorkerClusters::Put(const PublishedCluster& cluster) {
  WorkerClusterRef& place = clusters_[cluster.config->name];
  if (place) place->Retire();
  place = WorkerClusterRef(new WorkerCluster(cluster, services_, supplies_, home_));
}

void WorkerClusters::SetHosts(std::string_view name, HostSetPtr hosts, const HostList& removed) {
  const auto it = clusters_.find(name);
  if (it != clusters_.end()) it->second->SetHosts(std::move(hosts), removed);
}

void WorkerClusters::Remove(std::string_view name) {
  const auto it = clusters_.find(name);
  if (it == clusters_.end()) return;
  it->second->Retire();
  clusters_.erase(it);
}

}  // namespace nuncio::upstream
