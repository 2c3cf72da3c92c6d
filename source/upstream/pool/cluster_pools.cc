#include "source/upstream/pool/cluster_pools.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "source/upstream/pool/host_pool.h"
#include "source/upstream/pool/pool_shared.h"
#include "source/upstream/pool/tcp_connection.h"

namespace nuncio::upstream {
namespace {

std::optional<http::Protocol> PoolProtocol(UpstreamProtocol configured, http::Protocol client) {
  switch (configured) {
    case UpstreamProtocol::kAlpn:
      return std::nullopt;
    case UpstreamProtocol::kHttp2:
      return http::Protocol::kHttp2;
    case UpstreamProtocol::kDownstream:
      return client == http::Protocol::kHttp2 ? http::Protocol::kHttp2 : http::Protocol::kHttp11;
    case UpstreamProtocol::kHttp1:
      break;
  }
  return http::Protocol::kHttp11;
}

}  // namespace

ClusterPools::ClusterPools(std::shared_ptr<const ClusterConfig> config, const ClusterLimitsByPriority& limits,
                           const ClusterScopes& scopes, const BindOptions* default_bind, ThreadTlsCells tls,
                           const WorkerServices& services, ConnectionSupplies& supplies)
    : shared_(std::make_shared<PoolShared>(std::move(config), limits, scopes, default_bind, std::move(tls), services,
                                           supplies)),
      by_client_protocol_(shared_->config->protocol == UpstreamProtocol::kDownstream),
      drop_timer_(services.loop, Delegate<void()>::Bind<&ClusterPools::DropEmptyPools>(this)) {}

ClusterPools::~ClusterPools() { CloseAll(); }

HostPool* ClusterPools::FindPool(const Host& host, size_t index, const StreamWish& wish) {
  if (wish.server_name.empty()) [[likely]] {
    return host.slot() < pools_.size() ? pools_[host.slot()][index].get() : nullptr;
  }
  const auto it = named_pools_.find(NameView{host.slot(), index, wish.server_name});
  return it == named_pools_.end() ? nullptr : it->second.get();
}

void ClusterPools::NewStream(const Host& host, const StreamWish& wish, http::ResponseReceiver& receiver,
                             StreamRequester& requester, PendingStream& pending) {
  const size_t index = PoolIndex(wish);
  HostPool* pool = FindPool(host, index, wish);
  if (pool == nullptr) [[unlikely]] {
    if (closed_) {
      requester.OnStreamFailed(PoolFailure::kTermination, {}, host);
      return;
    }
    pool = MakePool(host, index, wish);
    if (pool == nullptr) {
      shared_->traffic.upstream_cx_pool_overflow.Inc();
      requester.OnStreamFailed(PoolFailure::kOverflow, {}, host);
      return;
    }
  }
  pool->NewStream(receiver, requester, pending, wish.fresh_connection);
}

HostPool* ClusterPools::MakePool(const Host& host, size_t index, const StreamWish& wish) {
  if (!MakeRoomForPool(wish)) return nullptr;
  HostPool::Kind kind;
  kind.priority = wish.priority;
  kind.protocol = PoolProtocol(shared_->config->protocol, wish.client_protocol);
  kind.socket = shared_->config->SocketFor(host.metadata());
  kind.server_name = wish.server_name;
  auto made = std::make_unique<HostPool>(*this, shared_, host.shared_from_this(), std::move(kind));
  HostPool* pool = made.get();
  const uint32_t slot = host.slot();
  if (!wish.server_name.empty()) {
    named_pools_.emplace(Name{slot, index, std::string(wish.server_name)}, std::move(made));
  } else {
    if (slot >= pools_.size()) pools_.resize(std::max<size_t>(slot + 1, pools_.size() * 2));
    pools_[slot][index] = std::move(made);
  }
  if (!drop_timer_.armed()) drop_timer_.Arm(kEmptyPoolLife);
  return pool;
}

bool ClusterPools::MakeRoomForPool(const StreamWish& wish) {
  const bool full = !wish.server_name.empty() && named_pools_.size() >= kMaxNamedPools;
  if (full && !CloseIdlePool(wish.priority, Victim::kNamed, nullptr)) return false;
  LimitLease& limits = shared_->limits(wish.priority);
  if (limits.Take(Limit::kPools)) return true;
  return CloseIdlePool(wish.priority, Victim::kAny, nullptr) && limits.Take(Limit::kPools);
}

bool ClusterPools::CloseIdleConnections(const HostPool& other_than) {
  return CloseIdlePool(other_than.kind().priority, Victim::kNamedWithConnections, &other_than);
}

bool ClusterPools::CloseIdlePool(RoutingPriority priority, Victim victim, const HostPool* other_than) {
  const auto fits = [&](const PoolPtr& pool) {
    if (pool == nullptr || pool.get() == other_than || pool->kind().priority != priority) return false;
    return pool->idle() && !(victim == Victim::kNamedWithConnections && pool->empty());
  };
  const auto it = std::find_if(named_pools_.begin(), named_pools_.end(), [&](const auto& e) { return fits(e.second); });
  if (it != named_pools_.end()) {
    PoolPtr pool = std::move(it->second);
    named_pools_.erase(it);
    Discard(std::move(pool));
    return true;
  }
  if (victim != Victim::kAny) return false;
  for (PoolsOfHost& pools : pools_) {
    const auto plain = std::find_if(pools.begin(), pools.end(), fits);
    if (plain == pools.end()) continue;
    Discard(std::move(*plain));
    return true;
  }
  return false;
}

void ClusterPools::Discard(PoolPtr pool) {
  pool->CloseAll();
  shared_->limits(pool->kind().priority).Return(Limit::kPools);
  // It may be on the stack.
  shared_->services.loop.DeferDelete(std::move(pool));
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

template <typename Visit>
void ClusterPools::ForEachPool(Visit&& visit) {
  for (PoolsOfHost& pools : pools_) {
    for (PoolPtr& pool : pools) {
      if (pool != nullptr) visit(pool);
    }
  }
  for (auto& [name, pool] : named_pools_) visit(pool);
  absl::erase_if(named_pools_, [](const auto& entry) { return entry.second == nullptr; });
}

void ClusterPools::OnHostRemoved(const Host& host) {
  if (host.slot() < pools_.size()) {
    for (PoolPtr& pool : pools_[host.slot()]) {
      if (pool != nullptr && pool->host().get() == &host) DrainPool(pool);
    }
  }
  absl::erase_if(named_pools_, [&](auto& entry) {
    if (entry.second->host().get() != &host) return false;
    DrainPool(entry.second);
    return true;
  });
}

void ClusterPools::Drain() {
  ForEachPool([this](PoolPtr& pool) { DrainPool(pool); });
}

void ClusterPools::DrainPool(PoolPtr& pool) {
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
  PoolPtr done = std::move(*drained);
  *drained = std::move(draining_.back());
  draining_.pop_back();
  Discard(std::move(done));
}

void ClusterPools::DropEmptyPools() {
  const MonotonicTime now = shared_->services.loop.now();
  bool again = false;
  ForEachPool([&](PoolPtr& pool) {
    if (!pool->empty()) return;
    if (now - pool->empty_since() < kEmptyPoolLife) {
      again = true;
    } else {
      Discard(std::move(pool));
    }
  });
  if (again) drop_timer_.Arm(kEmptyPoolLife);
}

void ClusterPools::CloseAll() {
  closed_ = true;
  std::vector<PoolPtr> all = std::move(draining_);
  draining_.clear();
  ForEachPool([&](PoolPtr& pool) { all.push_back(std::move(pool)); });
  for (PoolPtr& pool : all) Discard(std::move(pool));
  while (TcpConnection* connection = tcp_connections_.front()) connection->Terminate();
}

bool ClusterPools::empty() const { return shared_->connections == 0 && shared_->pending == 0; }

LimitLease& ClusterPools::limits(RoutingPriority priority) { return shared_->limits(priority); }

}  // namespace nuncio::upstream
