#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "source/base/intrusive_list.h"
#include "source/event/event_loop.h"
#include "source/upstream/cluster_config.h"
#include "source/upstream/host.h"
#include "source/upstream/pool/cluster_limits.h"
#include "source/upstream/pool/connection_supplies.h"
#include "source/upstream/pool/tls_sockets.h"
#include "source/upstream/stream_pool.h"
#include "source/upstream/worker_services.h"

namespace nuncio::upstream {

class HostPool;
class TcpConnection;
class TcpReceiver;
struct PoolShared;

// The connections of one thread to one cluster: a pool for each host and kind of connection that was asked for. Belongs
// to its thread.
//
// Of the statistics these are counted here: all `upstream_cx_*` but upstream_cx_none_healthy, upstream_rq_active, of
// TCP connections upstream_rq_total, upstream_rq_pending_*, upstream_rq_cancelled (of requests that still waited),
// `upstream_flow_control_*`, `http1.*`, `http2.*`, `circuit_breakers.*`; and of the host's: cx_*,
// rq_total, rq_active. The rest of `upstream_rq*`, and the host's rq_success, rq_error and rq_timeout, is the
// requester's.
class ClusterPools {
 public:
  // `default_bind`: what a cluster without `upstream_bind_config` uses; may be null, read only here.
  ClusterPools(std::shared_ptr<const ClusterConfig> config, const ClusterLimitsByPriority& limits,
               const ClusterScopes& scopes, const BindOptions* default_bind, ThreadTlsCells tls,
               const WorkerServices& services, ConnectionSupplies& supplies);
  ClusterPools(const ClusterPools&) = delete;
  ClusterPools& operator=(const ClusterPools&) = delete;
  // As CloseAll. Legal within any event of a connection.
  ~ClusterPools();

  // A stream to `host`: OnStreamReady or OnStreamFailed follows, once, maybe from within this call, unless `pending` is
  // cancelled. `receiver` and `requester` must stay until then, and `receiver` as RequestSender says. Allocates nothing
  // where a connection is there.
  void NewStream(const Host& host, const StreamWish& wish, http::ResponseReceiver& receiver,
                 StreamRequester& requester, PendingStream& pending);

  // A TCP connection to `host` for `receiver`, which hears what becomes of it, from the loop. The caller owns it; see
  // TcpConnection. Null: there is none to be had, and `failure` says why.
  std::unique_ptr<TcpConnection> ConnectTcp(const Host& host, RoutingPriority priority, TcpReceiver& receiver,
                                            PoolFailure& failure);

  // A host is no longer a member. Its idle connections close; requests under way and waiting are served, then the
  // rest closes. TCP connections live on.
  void OnHostRemoved(const Host& host);
  // The same for all hosts: requests from now on get new connections. For a cluster that goes away, or with
  // close_connections_on_host_set_change.
  void Drain();
  // Waiting requests fail with kTermination, streams under way are reset, all connections close, at once; requests from
  // now on fail with kTermination.
  void CloseAll();

  // Nothing connected, connecting or waiting.
  bool empty() const;

  // Limits that requesters use themselves: kRetries.
  LimitLease& limits(RoutingPriority priority);

 private:
  friend class HostPool;
  // How long a pool without connections is kept.
  static constexpr Duration kEmptyPoolLife = std::chrono::seconds(60);
  // Pools that stand for a name which clients thought of.
  static constexpr size_t kMaxNamedPools = 1024;
  // Pools of a host without a name: by priority, and by protocol where that depends on the client.
  static constexpr size_t kPlainPools = kRoutingPriorities * 2;

  using PoolPtr = std::unique_ptr<HostPool>;
  using PoolsOfHost = std::array<PoolPtr, kPlainPools>;
  struct NameView {
    uint32_t slot;  // Host::slot().
    size_t index;   // As in PoolsOfHost.
    std::string_view name;
  };
  struct Name {
    uint32_t slot;
    size_t index;
    std::string name;
    operator NameView() const { return {slot, index, name}; }
  };
  struct NameHash {
    using is_transparent = void;
    size_t operator()(const NameView& view) const {
      return std::hash<std::string_view>()(view.name) ^ (view.slot * kPlainPools + view.index) * 0x9e3779b97f4a7c15;
    }
  };
  struct NameEqual {
    using is_transparent = void;
    bool operator()(const NameView& a, const NameView& b) const {
      return a.slot == b.slot && a.index == b.index && a.name == b.name;
    }
  };
  using NamedPools = absl::flat_hash_map<Name, PoolPtr, NameHash, NameEqual>;

  size_t PoolIndex(const StreamWish& wish) const {
    const bool second = by_client_protocol_ && wish.client_protocol == http::Protocol::kHttp2;
    return static_cast<size_t>(wish.priority) + (second ? kRoutingPriorities : 0);
  }
  HostPool* FindPool(const Host& host, size_t index, const StreamWish& wish);
  // Null: there may be no more.
  HostPool* MakePool(const Host& host, size_t index, const StreamWish& wish);
  bool MakeRoomForPool(const StreamWish& wish);
  template <typename Visit>
  void ForEachPool(Visit&& visit);
  void DrainPool(PoolPtr& pool);
  // From pools: nothing is left in it.
  void OnPoolEmpty(HostPool& pool);
  // From pools: closes connections that nobody needs, those of another pool of the same priority that stands for a
  // name. False: there are none.
  bool CloseIdleConnections(const HostPool& other_than);
  enum class Victim : uint8_t { kAny, kNamed, kNamedWithConnections };
  // Closes a pool of the priority that nobody needs.
  bool CloseIdlePool(RoutingPriority priority, Victim victim, const HostPool* other_than);
  void Discard(PoolPtr pool);
  void DropEmptyPools();

  const std::shared_ptr<PoolShared> shared_;
  const bool by_client_protocol_;
  // By Host::slot().
  std::vector<PoolsOfHost> pools_;
  NamedPools named_pools_;
  std::vector<PoolPtr> draining_;
  IntrusiveList<TcpConnection> tcp_connections_;
  event::Timer drop_timer_;
  bool closed_ = false;
};

}  // namespace nuncio::upstream
