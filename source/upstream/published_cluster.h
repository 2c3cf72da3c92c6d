#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "source/tls/secret/context_cell.h"
#include "source/upstream/cluster_config.h"
#include "source/upstream/host_set.h"
#include "source/upstream/pool/cluster_limits.h"
#include "source/upstream/worker_services.h"

namespace nuncio::upstream {

// One version of a cluster as main publishes it, shared by all threads. What only a cluster that is used needs is made
// when a thread uses it first. Any thread, unless said otherwise.
class PublishedCluster {
 public:
  // `default_bind`: for clusters without `upstream_bind_config`; null: the kernel chooses. `tls`: by
  // ClusterConfig::sockets, and then by slot; none for plain TCP. A cell without context: secrets are missing, and no
  // connection can be made (upstream_context_secrets_not_ready). `slots`: threads that have clusters, main included.
  PublishedCluster(std::shared_ptr<const ClusterConfig> config, ClusterScopes scopes,
                   std::shared_ptr<const BindOptions> default_bind, std::vector<tls::ClientContextCells> tls,
                   uint32_t slots);
  PublishedCluster(const PublishedCluster&) = delete;
  PublishedCluster& operator=(const PublishedCluster&) = delete;

  const std::shared_ptr<const ClusterConfig>& config() const { return config_; }
  const ClusterScopes& scopes() const { return scopes_; }
  const BindOptions* default_bind() const { return default_bind_.get(); }
  const std::vector<tls::ClientContextCells>& tls() const { return tls_; }

  // The circuit breakers.
  ClusterLimitsByPriority limits() const;
  // The newest; never null.
  HostSetPtr hosts() const;
  // Main. Threads that use the cluster already are told by WorkerClusters::SetHosts.
  void SetHosts(HostSetPtr hosts);

 private:
  // Constant after construction.
  const std::shared_ptr<const ClusterConfig> config_;
  const ClusterScopes scopes_;
  const std::shared_ptr<const BindOptions> default_bind_;
  const std::vector<tls::ClientContextCells> tls_;
  const uint32_t slots_;

  // Guarded by a mutex.
  mutable ClusterLimitsByPriority limits_;
  HostSetPtr hosts_ = HostSet::Empty();
};

using PublishedClusterPtr = std::shared_ptr<const PublishedCluster>;

}  // namespace nuncio::upstream
