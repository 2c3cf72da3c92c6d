#include "source/upstream/pool/cluster_pools.h"

#include <algorithm>
#include <utility>

#include "source/upstream/pool/host_pool.h"
#include "source/upstream/pool/pool_shared.h"
#include "source/upstream/pool/tcp_connection.h"

namespace nuncio::upstream {

ClusterPools::ClusterPools(std::shared_ptr<const ClusterConfig> config, const ClusterLimitsByPriority& limits,
                           const ClusterScopes& scopes, const BindOptions* default_bind,
                           const WorkerServices& services, ConnectionSupplies& supplies)
    : shared_(std::make_shared<PoolShared>(std::move(config), limits, scopes, default_bind, services, supplies)),
      drop_timer_(services.loop, Delegate<void()>::Bind<&ClusterPools::DropEmptyPools>(this)) {}

ClusterPools::~ClusterPools() { CloseAll(); }

void ClusterPools::NewStream(const Host& host, RoutingPriority priority, http::ResponseReceiver& receiver,
                             StreamRequester& requester, PendingStream& pending, bool fresh_connection) {
  const uint32_t slot = host.slot();
  HostPool* pool = slot < pools_.size() ? pools_[slot][static_cast<size_t>(priority)].get() : nullptr;
  if (pool == nullptr) [[unlikely]] {
    if (closed_) {
      requester.OnStreamFailed(PoolFailure::kTermination, {}, host);
      return;
    }
    pool = &MakePool(host, priority);
  }
  pool->NewStream(receiver, requester, pending, fresh_connection);
}

HostPool& ClusterPools::MakePool(const Host& host, RoutingPriority priority) {
  const uint32_t slot = host.slot();
  if (slot >= pools_.size()) pools_.resize(std::max<size_t>(slot + 1, pools_.size() * 2));
  std::unique_ptr<HostPool>& pool = pools_[slot][static_cast<size_t>(priority)];
  pool = std::make_unique<HostPool>(*this, shared_, host.shared_from_this(), priority);
  if (!drop_timer_.armed()) drop_timer_.Arm(kEmptyPoolLife);
  return *pool;
}

std::unique_ptr<TcpConnection> ClusterPools::ConnectTcp(const Host& host, RoutingPriority priority,
                                                        TcpReceiver& receiver, PoolFailure& failure) {
  LimitLease& limits = shared_->limits(priority);
  failure = closed_ ? PoolFailure::kTermination : PoolFailure::kOverflow;
  if (closed_) return nullptr;
  if (!limits.Take(Limit::kConnections)) {
    shared_->traffic.upstream_cx_overflow.Inc();
    return nullptr;
  }
  if (!limits.Take(Limit::kPendingRequests)) {
    shared_->traffic.upstream_rq_pending_overflow.Inc();
    limits.Return(Limit::kConnections);
    return nullptr;
  }
  auto connection = std::make_unique<TcpConnection>(shared_, host.shared_from_this(), limits, receiver);
  tcp_connections_.PushBack(*connection);
  if (connection->Start()) return connection;
  failure = PoolFailure::kConnectFailure;
  return nullptr;
}

void ClusterPools::OnHostRemoved(const Host& host) {
  if (host.slot() >= pools_.size()) return;
  for (std::unique_ptr<HostPool>& pool : pools_[host.slot()]) {
    if (pool != nullptr && pool->host().get() == &host) DrainPool(pool);
  }
}

void ClusterPools::Drain() {
  for (PoolsOfHost& pools : pools_) {
    for (std::unique_ptr<HostPool>& pool : pools) {
      if (pool != nullptr) DrainPool(pool);
    }
  }
}

void ClusterPools::DrainPool(std::unique_ptr<HostPool>& pool) {
  HostPool& drained = *pool;
  draining_.push_back(std::move(pool));
  drained.Drain();
}

void ClusterPools::OnPoolEmpty(HostPool& pool) {
  const auto drained =
      std::find_if(draining_.begin(), draining_.end(), [&](const auto& candidate) { return candidate.get() == &pool; });
  if (drained == draining_.end()) {
    if (!drop_timer_.armed()) drop_timer_.Arm(kEmptyPoolLife);
    return;
  }
  // It may be on the stack.
  shared_->services.loop.DeferDelete(std::move(*drained));
  *drained = std::move(draining_.back());
  draining_.pop_back();
}

void ClusterPools::DropEmptyPools() {
  const MonotonicTime now = shared_->services.loop.now();
  bool again = false;
  for (PoolsOfHost& pools : pools_) {
    for (std::unique_ptr<HostPool>& pool : pools) {
      if (pool == nullptr || !pool->empty()) continue;
      if (now - pool->empty_since() < kEmptyPoolLife) {
        again = true;
      } else {
        shared_->services.loop.DeferDelete(std::move(pool));
      }
    }
  }
  if (again) drop_timer_.Arm(kEmptyPoolLife);
}

void ClusterPools::CloseAll() {
  closed_ = true;
  std::vector<std::unique_ptr<HostPool>> all = std::move(draining_);
  draining_.clear();
  for (PoolsOfHost& pools : pools_) {
    for (std::unique_ptr<HostPool>& pool : pools) {
      if (pool != nullptr) all.push_back(std::move(pool));
    }
  }
  for (std::unique_ptr<HostPool>& pool : all) {
    pool->CloseAll();
    shared_->services.loop.DeferDelete(std::move(pool));
  }
  while (TcpConnection* connection = tcp_connections_.front()) connection->Terminate();
}

bool ClusterPools::empty() const { return shared_->connections == 0 && shared_->pending == 0; }

LimitLease& ClusterPools::limits(RoutingPriority priority) { return shared_->limits(priority); }

}  // namespace nuncio::upstream
