#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "source/http/h1/options.h"
#include "source/http/h2/h2_options.h"
#include "source/net/connection.h"
#include "source/telemetry/cluster_stats.h"
#include "source/telemetry/http2_stats.h"
#include "source/upstream/cluster_config.h"
#include "source/upstream/pool/cluster_limits.h"
#include "source/upstream/pool/connection_supplies.h"
#include "source/upstream/pool/tls_sockets.h"
#include "source/upstream/worker_services.h"

namespace nuncio::upstream {

// What all pools and connections of one cluster on one thread have in common. Held by each of them, since they are
// destroyed at the end of the turn in which they close, and ClusterPools may be gone by then.
struct PoolShared {
  PoolShared(std::shared_ptr<const ClusterConfig> config, const ClusterLimitsByPriority& limits,
             const ClusterScopes& scopes, const BindOptions* default_bind, ThreadTlsCells tls,
             const WorkerServices& services, ConnectionSupplies& supplies);

  LimitLease& limits(RoutingPriority priority) {
    return priority == RoutingPriority::kDefault ? default_limits : high_limits;
  }
  // For connections to `to`.
  net::Connection::ConnectOptions ConnectOptionsFor(const net::Address& to) const;

  // Constant after construction.
  const std::shared_ptr<const ClusterConfig> config;
  const ClusterScopes scopes;  // Keeps the blocks below.
  const WorkerServices services;
  ConnectionSupplies& supplies;
  telemetry::ClusterTrafficStats& traffic;
  telemetry::ClusterHttp1Stats* const http1_stats;  // Null where HTTP/1 is never spoken.
  telemetry::Http2Stats* const http2_stats;         // Null where HTTP/2 is never spoken.
  http::h1::H1Options h1_options;
  http::h2::H2Options h2_options;
  net::Address bind_address;  // Of no family: none.
  std::vector<net::SocketOption> socket_options_v4;
  std::vector<net::SocketOption> socket_options_v6;
  std::vector<net::SocketOption> socket_options_path;

  TlsSockets tls_sockets;
  LimitLease default_limits;
  LimitLease high_limits;
  // Of all pools: connections in any state, and requests that wait.
  size_t connections = 0;
  size_t pending = 0;
};

}  // namespace nuncio::upstream
