#include "source/upstream/pool/cluster_pools.h"

#include <algorithm>
#include <utility>

#include "source/upstream/pool/host_pool.h"
#include "source/upstream/pool/pool_shared.h"

namespace nuncio::upstream {

ClusterPools::ClusterPools(std::shared_ptr<const ClusterConfig> config, const ClusterLimitsByPriority& limits,
                           const ClusterScopes& scopes, const BindOptions* default_bind,
                           const WorkerServices& services, ConnectionSupplies& supplies)
    : shared_(std::make_shared<PoolShared>(std::move(config), limits, scopes, default_bind, services, supplies)),
      drop_timer_(services.loop, Delegate<void()>::Bind<&ClusterPools::DropEmptyPools>(this)),
      empty_task_(Delegate<void()>::Bind<&ClusterPools::OnEmpty>(this)) {}

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
  if (shared_->connections == 0 && shared_->pending == 0 && when_empty_) shared_->services.loop.AfterEvent(empty_task_);
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
  if (when_empty_) shared_->services.loop.AfterEvent(empty_task_);
}

bool ClusterPools::empty() const { return shared_->connections == 0 && shared_->pending == 0; }

void ClusterPools::NotifyWhenEmpty(Delegate<void()> callback) {
  when_empty_ = callback;
  if (empty()) shared_->services.loop.AfterEvent(empty_task_);
}

void ClusterPools::OnEmpty() {
  if (!empty() || !when_empty_) return;
  const Delegate<void()> callback = std::exchange(when_empty_, {});
  callback();
}

LimitLease& ClusterPools::limits(RoutingPriority priority) { return shared_->limits(priority); }

}  // namespace nuncio::upstream
