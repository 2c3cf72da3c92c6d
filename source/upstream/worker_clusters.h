#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "source/base/set_by_name.h"
#include "source/base/strings.h"
#include "source/upstream/worker_cluster.h"

namespace nuncio::upstream {

// The clusters of one thread, by name. Main changes them by closures posted to the thread's loop, in the order in which
// they take effect. Used on that thread. Of a cluster that the thread never looked for it has a pointer to what is
// published and nothing else. Before it is destroyed: Clear, and a turn of the loop, in which what was let go of is
// deleted.
class WorkerClusters {
 public:
  // `home`: takes back what this thread lets go of. Both are kept by reference.
  WorkerClusters(const WorkerServices& services, ObjectHome& home)
      : services_(services), home_(home), supplies_(services.slot) {}
  WorkerClusters(const WorkerClusters&) = delete;
  WorkerClusters& operator=(const WorkerClusters&) = delete;

  // Empty: there is no such cluster, or it is still warming.
  WorkerClusterRef Find(std::string_view name) {
    const auto it = used_.find(name);
    return it != used_.end() ? it->second : Use(name);
  }
  // Used or not.
  size_t size() const { return published_.size(); }
  // For HTTP/2 connections of clients as well.
  http::h2::H2Pools& http2_pools() { return supplies_.h2(); }
  // Retires all clusters and closes their connections.
  void Clear();

  // From ClusterRegistry. In place of one of the same name, which is retired.
  void Put(PublishedClusterPtr cluster);
  // Does nothing where there is no such cluster, or the thread never looked for it.
  void SetHosts(std::string_view name, HostSetPtr hosts, const HostList& removed);
  void Remove(std::string_view name);

 private:
  struct NameOfCluster {
    std::string_view operator()(const PublishedClusterPtr& cluster) const { return cluster->config()->name; }
  };
  using Used = absl::flat_hash_map<std::string_view, WorkerClusterRef, TransparentHash, std::equal_to<>>;

  // Of a cluster that this thread did not use so far.
  WorkerClusterRef Use(std::string_view name);

  // Constant after construction.
  const WorkerServices& services_;
  ObjectHome& home_;

  ConnectionSupplies supplies_;
  // Most clusters are used by few threads: the table of all has nothing but a pointer for each.
  SetByName<PublishedClusterPtr, NameOfCluster> published_;
  // Those of them that were looked for. The keys are the names in their configurations.
  Used used_;
};

}  // namespace nuncio::upstream
