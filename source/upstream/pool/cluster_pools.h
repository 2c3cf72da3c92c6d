#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "source/base/intrusive_list.h"
#include "source/event/event_loop.h"
#include "source/upstream/cluster_config.h"
#include "source/upstream/host.h"
#include "source/upstream/pool/cluster_limits.h"
#include "source/upstream/pool/connection_supplies.h"
#include "source/upstream/stream_pool.h"
#include "source/upstream/worker_services.h"

namespace nuncio::upstream {

class HostPool;
class TcpConnection;
class TcpReceiver;
struct PoolShared;

// The connections of one thread to one cluster: a pool for each host and priority that was asked for. Belongs to its
// thread.
//
// Of the statistics these are counted here: all `upstream_cx_*` but upstream_cx_none_healthy, upstream_rq_active, of TCP
// connections upstream_rq_total, upstream_rq_pending_*, upstream_rq_cancelled (of requests that still waited), `upstream_flow_control_*`, `http1.*`,
// `http2.*`, `circuit_breakers.*`; and of the host's: cx_*,
// rq_total, rq_active. The rest of `upstream_rq*`, and the host's rq_success, rq_error and rq_timeout, is the
// requester's.
class ClusterPools {
 public:
  // `default_bind`: what a cluster without `upstream_bind_config` uses; may be null, read only here.
  ClusterPools(std::shared_ptr<const ClusterConfig> config, const ClusterLimitsByPriority& limits,
               const ClusterScopes& scopes, const BindOptions* default_bind, const WorkerServices& services,
               ConnectionSupplies& supplies);
  ClusterPools(const ClusterPools&) = delete;
  ClusterPools& operator=(const ClusterPools&) = delete;
  // As CloseAll. Legal within any event of a connection.
  ~ClusterPools();

  // A stream to `host`: OnStreamReady or OnStreamFailed follows, once, maybe from within this call, unless `pending` is
  // cancelled. `receiver` and `requester` must stay until then, and `receiver` as RequestSender says.
  // `fresh_connection`: only one that is made from now on, whose first request this is. Allocates nothing where a
  // connection is there.
  void NewStream(const Host& host, RoutingPriority priority, http::ResponseReceiver& receiver,
                 StreamRequester& requester, PendingStream& pending, bool fresh_connection);

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

  using PoolsOfHost = std::array<std::unique_ptr<HostPool>, kRoutingPriorities>;

  HostPool& MakePool(const Host& host, RoutingPriority priority);
  void DrainPool(std::unique_ptr<HostPool>& pool);
  // From pools: nothing is left in it.
  void OnPoolEmpty(HostPool& pool);
  void DropEmptyPools();

  const std::shared_ptr<PoolShared> shared_;
  // By Host::slot().
  std::vector<PoolsOfHost> pools_;
  std::vector<std::unique_ptr<HostPool>> draining_;
  IntrusiveList<TcpConnection> tcp_connections_;
  event::Timer drop_timer_;
  bool closed_ = false;
};

}  // namespace nuncio::upstream
