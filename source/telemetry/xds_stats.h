#pragma once

#include "source/telemetry/block.h"

// Statistics of configuration: what arrived, what took effect. Main's.
namespace nuncio::telemetry {

// One subscription: `cluster_manager.cds.*`, `listener_manager.lds.*`, `http.<prefix>.rds.<route>.*`; a cluster's own
// are in ClusterUpdateStats. Durations in milliseconds, `update_time` in milliseconds since 1970, `version` a hash of
// the version's text.
#define NUNCIO_SUBSCRIPTION_STATS(X) \
  X(Counter, update_attempt)         \
  X(Counter, update_success)         \
  X(Counter, update_failure)         \
  X(Counter, update_rejected)        \
  X(Counter, init_fetch_timeout)     \
  X(Gauge, update_time)              \
  X(Gauge, version)                  \
  X(Histogram, update_duration)      \
  X(TextReadout, version_text)
NUNCIO_STATS_BLOCK(SubscriptionStats, "", NUNCIO_SUBSCRIPTION_STATS);
#undef NUNCIO_SUBSCRIPTION_STATS

// `http.<prefix>.rds.<route>.*` beside SubscriptionStats.
#define NUNCIO_RDS_STATS(X)       \
  X(Counter, config_reload)       \
  X(Counter, update_empty)        \
  X(Gauge, config_reload_time_ms)
NUNCIO_STATS_BLOCK(RdsStats, "", NUNCIO_RDS_STATS);
#undef NUNCIO_RDS_STATS

// `cluster_manager.*`: scope ScopeName().Add("cluster_manager").
#define NUNCIO_CLUSTER_MANAGER_STATS(X) \
  X(Counter, cluster_added)             \
  X(Counter, cluster_modified)          \
  X(Counter, cluster_removed)           \
  X(Counter, cluster_updated)           \
  X(Gauge, active_clusters)             \
  X(Gauge, warming_clusters)
NUNCIO_STATS_BLOCK(ClusterManagerStats, "", NUNCIO_CLUSTER_MANAGER_STATS);
#undef NUNCIO_CLUSTER_MANAGER_STATS

// `listener_manager.*`: scope ScopeName().Add("listener_manager").
#define NUNCIO_LISTENER_MANAGER_STATS(X) \
  X(Counter, listener_added)             \
  X(Counter, listener_modified)          \
  X(Counter, listener_removed)           \
  X(Counter, listener_stopped)           \
  X(Counter, listener_create_success)    \
  X(Counter, listener_create_failure)    \
  X(Counter, listener_in_place_updated)  \
  X(Gauge, total_listeners_active)       \
  X(Gauge, total_listeners_warming)      \
  X(Gauge, total_listeners_draining)     \
  X(Gauge, workers_started)
NUNCIO_STATS_BLOCK(ListenerManagerStats, "", NUNCIO_LISTENER_MANAGER_STATS);
#undef NUNCIO_LISTENER_MANAGER_STATS

// `control_plane.*`: scope ScopeName().Add("control_plane"). `connected_state` is 1 while the stream stands.
#define NUNCIO_CONTROL_PLANE_STATS(X) \
  X(Gauge, connected_state)           \
  X(Gauge, pending_requests)          \
  X(Counter, rate_limit_enforced)     \
  X(TextReadout, identifier)
NUNCIO_STATS_BLOCK(ControlPlaneStats, "", NUNCIO_CONTROL_PLANE_STATS);
#undef NUNCIO_CONTROL_PLANE_STATS

}  // namespace nuncio::telemetry
