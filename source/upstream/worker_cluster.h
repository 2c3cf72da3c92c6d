#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "source/base/local_ref.h"
#include "source/event/event_loop.h"
#include "source/http/codec.h"
#include "source/telemetry/cluster_stats.h"
#include "source/telemetry/grpc_stats.h"
#include "source/upstream/cluster_config.h"
#include "source/upstream/host_set.h"
#include "source/upstream/load_balancer.h"
#include "source/upstream/pool/cluster_pools.h"
#include "source/upstream/pool/tcp_connection.h"
#include "source/upstream/published_cluster.h"
#include "source/upstream/stream_pool.h"
#include "source/upstream/worker_services.h"

namespace nuncio::upstream {

using HostList = std::vector<HostPtr>;

// A host as one thread holds it. Copying counts without atomics.
using HostRef = LocalRef<Host>;

class WorkerClusterRef;

// A cluster as one thread sees it: the current host set, the balancer's cursors and the connections. It lives until
// main removed or replaced the cluster and the last WorkerClusterRef is gone: whoever has a stream, or waits for one,
// holds a reference. Belongs to its thread.
class WorkerCluster final : public event::DeferredDeletable {
 public:
  WorkerCluster(const PublishedCluster& cluster, const WorkerServices& services, ConnectionSupplies& supplies,
                ObjectHome& home);
  WorkerCluster(const WorkerCluster&) = delete;
  WorkerCluster& operator=(const WorkerCluster&) = delete;

  const ClusterConfig& config() const { return *config_; }
  const std::string& name() const { return config_->name; }
  // This thread's.
  telemetry::ClusterTrafficStats& traffic() { return traffic_; }
  // Of this thread's gRPC calls by method; nobody counts them but filters.
  telemetry::GrpcStats& grpc() { return grpc_; }

  // Empty: no host can be chosen. Counting that is the caller's.
  HostRef PickHost();
  // As ClusterPools::NewStream. `host` is one that PickHost gave.
  void NewStream(const Host& host, const StreamWish& wish, http::ResponseReceiver& receiver,
                 StreamRequester& requester, PendingStream& pending) {
    pools_.NewStream(host, wish, receiver, requester, pending);
  }
  // As ClusterPools::ConnectTcp, likewise.
  std::unique_ptr<TcpConnection> ConnectTcp(const Host& host, RoutingPriority priority, TcpReceiver& receiver,
                                            PoolFailure& failure) {
    return pools_.ConnectTcp(host, priority, receiver, failure);
  }
  // A retry is about to begin: false where the circuit breaker has none left. To be given back when the retry ended.
  bool TakeRetry(RoutingPriority priority = RoutingPriority::kDefault) {
    return pools_.limits(priority).Take(Limit::kRetries);
  }
  void ReturnRetry(RoutingPriority priority = RoutingPriority::kDefault) {
    pools_.limits(priority).Return(Limit::kRetries);
  }

  ClusterPools& pools() { return pools_; }
  const HostSet& hosts() const { return *hosts_; }
  // Removed by main; it serves what it has.
  bool retired() const { return retired_; }

  // From WorkerClusters. `removed`: members of the current set that are not in `hosts`.
  void SetHosts(HostSetPtr hosts, const HostList& removed);
  // No new reference will be taken: idle connections close, the cluster ends with its last reference.
  void Retire();

 private:
  friend class WorkerClusterRef;
  void Release();

  // Constant after construction.
  const std::shared_ptr<const ClusterConfig> config_;
  const ClusterScopes scopes_;  // Keeps the blocks that are referred to.
  event::EventLoop& loop_;
  ObjectHome& home_;
  telemetry::ClusterTrafficStats& traffic_;
  telemetry::GrpcStats grpc_;

  uint32_t refs_ = 0;
  bool retired_ = false;
  LocalRef<HostSet> hosts_;
  // By Host::slot(); filled when a host is first picked.
  std::vector<HostRef> local_hosts_;
  LoadBalancer balancer_;
  ClusterPools pools_;
};

// A counted reference to a WorkerCluster; empty where there is no such cluster. Belongs to the cluster's thread.
class WorkerClusterRef {
 public:
  WorkerClusterRef() = default;
  explicit WorkerClusterRef(WorkerCluster* cluster) : cluster_(cluster) {
    if (cluster_ != nullptr) ++cluster_->refs_;
  }
  WorkerClusterRef(const WorkerClusterRef& other) : WorkerClusterRef(other.cluster_) {}
  WorkerClusterRef(WorkerClusterRef&& other) noexcept : cluster_(std::exchange(other.cluster_, nullptr)) {}
  WorkerClusterRef& operator=(WorkerClusterRef other) noexcept {
    std::swap(cluster_, other.cluster_);
    return *this;
  }
  ~WorkerClusterRef() {
    if (cluster_ != nullptr) cluster_->Release();
  }

  void reset() { *this = WorkerClusterRef(); }
  WorkerCluster* get() const { return cluster_; }
  WorkerCluster& operator*() const { return *cluster_; }
  WorkerCluster* operator->() const { return cluster_; }
  explicit operator bool() const { return cluster_ != nullptr; }

 private:
  WorkerCluster* cluster_ = nullptr;
};

inline void WorkerCluster::Release() {
  if (--refs_ > 0 || !retired_) return;
  loop_.DeferDelete(std::unique_ptr<event::DeferredDeletable>(this));
}

}  // namespace nuncio::upstream
