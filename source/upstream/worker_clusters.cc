#include "source/upstream/worker_clusters.h"

#include <utility>

namespace nuncio::upstream {

void WorkerClusters::Clear() {
  for (auto& [name, place] : clusters_) {
    if (!place.used) continue;
    place.used->Retire();
    place.used->pools().CloseAll();
  }
  clusters_.clear();
}

WorkerClusterRef WorkerClusters::Use(const PublishedCluster& cluster) {
  return WorkerClusterRef(new WorkerCluster(cluster, services_, supplies_, home_));
}

void WorkerClusters::Retire(Places::iterator at) {
  Place place = std::move(at->second);
  clusters_.erase(at);
  if (place.used) place.used->Retire();
  home_.TakeBack(std::move(place.published));
}

void WorkerClusters::Put(PublishedClusterPtr cluster) {
  const std::string_view name = cluster->config()->name;
  if (const auto it = clusters_.find(name); it != clusters_.end()) Retire(it);
  clusters_.emplace(name, Place{std::move(cluster), {}});
}

void WorkerClusters::SetHosts(std::string_view name, HostSetPtr hosts, const HostList& removed) {
  const auto it = clusters_.find(name);
  if (it != clusters_.end() && it->second.used) it->second.used->SetHosts(std::move(hosts), removed);
}

void WorkerClusters::Remove(std::string_view name) {
  const auto it = clusters_.find(name);
  if (it != clusters_.end()) Retire(it);
}

}  // namespace nuncio::upstream
