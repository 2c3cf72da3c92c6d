#pragma once

#include "source/telemetry/block.h"

// Statistics of clusters: `cluster.<name>.*`, scope ClusterScopeName. Times in milliseconds, sizes in bytes.
namespace nuncio::telemetry {

// Connections and requests, written by the worker that makes them.
#define NUNCIO_CLUSTER_TRAFFIC_STATS(X)                   \
  X(Counter, upstream_cx_total)                           \
  X(Gauge, upstream_cx_active)                            \
  X(Counter, upstream_cx_http1_total)                     \
  X(Counter, upstream_cx_http2_total)                     \
  X(Counter, upstream_cx_connect_attempts_exceeded)       \
  X(Counter, upstream_cx_connect_fail)                    \
  X(Counter, upstream_cx_connect_timeout)                 \
  X(Counter, upstream_cx_idle_timeout)                    \
  X(Counter, upstream_cx_max_duration_reached)            \
  X(Counter, upstream_cx_max_requests)                    \
  X(Counter, upstream_cx_none_healthy)                    \
  X(Counter, upstream_cx_overflow)                        \
  X(Counter, upstream_cx_pool_overflow)                   \
  X(Counter, upstream_cx_protocol_error)                  \
  X(Counter, upstream_cx_close_notify)                    \
  X(Counter, upstream_cx_destroy)                         \
  X(Counter, upstream_cx_destroy_local)                   \
  X(Counter, upstream_cx_destroy_remote)                  \
  X(Counter, upstream_cx_destroy_with_active_rq)          \
  X(Counter, upstream_cx_destroy_local_with_active_rq)    \
  X(Counter, upstream_cx_destroy_remote_with_active_rq)   \
  X(Counter, upstream_cx_rx_bytes_total)                  \
  X(Gauge, upstream_cx_rx_bytes_buffered)                 \
  X(Counter, upstream_cx_tx_bytes_total)                  \
  X(Gauge, upstream_cx_tx_bytes_buffered)                 \
  X(Counter, upstream_flow_control_paused_reading_total)  \
  X(Counter, upstream_flow_control_resumed_reading_total) \
  X(Counter, upstream_flow_control_backed_up_total)       \
  X(Counter, upstream_flow_control_drained_total)         \
  X(Histogram, upstream_cx_connect_ms)                    \
  X(Histogram, upstream_cx_length_ms)                     \
  X(Counter, upstream_rq_total)                           \
  X(Gauge, upstream_rq_active)                            \
  X(Counter, upstream_rq_completed)                       \
  X(Counter, upstream_rq_pending_total)                   \
  X(Gauge, upstream_rq_pending_active)                    \
  X(Counter, upstream_rq_pending_overflow)                \
  X(Counter, upstream_rq_pending_failure_eject)           \
  X(Counter, upstream_rq_cancelled)                       \
  X(Counter, upstream_rq_max_duration_reached)            \
  X(Counter, upstream_rq_timeout)                         \
  X(Counter, upstream_rq_rx_reset)                        \
  X(Counter, upstream_rq_tx_reset)                        \
  X(Counter, upstream_rq_retry)                           \
  X(Counter, upstream_rq_retry_success)                   \
  X(Counter, upstream_rq_retry_overflow)                  \
  X(Counter, upstream_rq_retry_limit_exceeded)            \
  X(Histogram, upstream_rq_time)                          \
  X(StatusCodeCounters, upstream_rq)
NUNCIO_STATS_BLOCK(ClusterTrafficStats, "", NUNCIO_CLUSTER_TRAFFIC_STATS);
#undef NUNCIO_CLUSTER_TRAFFIC_STATS

// Members. Main's. One cache line, which every cluster has.
#define NUNCIO_CLUSTER_MEMBERSHIP_STATS(X) \
  X(Gauge, membership_total)               \
  X(Gauge, membership_healthy)             \
  X(Gauge, membership_degraded)            \
  X(Gauge, membership_excluded)            \
  X(Counter, membership_change)            \
  X(Gauge, max_host_weight)                \
  X(Gauge, warming_state)
NUNCIO_STATS_BLOCK(ClusterMembershipStats, "", NUNCIO_CLUSTER_MEMBERSHIP_STATS);
#undef NUNCIO_CLUSTER_MEMBERSHIP_STATS
static_assert(sizeof(ClusterMembershipStats) == 64);

// The discovery of members, see SubscriptionStats. Main's.
#define NUNCIO_CLUSTER_UPDATE_STATS(X) \
  X(Counter, update_attempt)           \
  X(Counter, update_success)           \
  X(Counter, update_failure)           \
  X(Counter, update_empty)             \
  X(Counter, update_no_rebuild)        \
  X(Counter, update_rejected)          \
  X(Counter, init_fetch_timeout)       \
  X(Gauge, version)                    \
  X(Gauge, update_time)                \
  X(Histogram, update_duration)        \
  X(TextReadout, version_text)
NUNCIO_STATS_BLOCK(ClusterUpdateStats, "", NUNCIO_CLUSTER_UPDATE_STATS);
#undef NUNCIO_CLUSTER_UPDATE_STATS

// Choices of the balancer, by worker.
#define NUNCIO_CLUSTER_BALANCER_STATS(X) \
  X(Counter, lb_healthy_panic)
NUNCIO_STATS_BLOCK(ClusterBalancerStats, "", NUNCIO_CLUSTER_BALANCER_STATS);
#undef NUNCIO_CLUSTER_BALANCER_STATS

// `circuit_breakers.<priority>.*`. 1 where a limit is reached. The descriptor of the type is that of the default
// priority.
#define NUNCIO_CIRCUIT_BREAKER_STATS(X) \
  X(Gauge, cx_open)                     \
  X(Gauge, cx_pool_open)                \
  X(Gauge, rq_open)                     \
  X(Gauge, rq_pending_open)             \
  X(Gauge, rq_retry_open)               \
  X(Gauge, remaining_cx)                \
  X(Gauge, remaining_cx_pools)          \
  X(Gauge, remaining_pending)           \
  X(Gauge, remaining_rq)                \
  X(Gauge, remaining_retries)
NUNCIO_STATS_BLOCK(CircuitBreakerStats, "circuit_breakers.default.", NUNCIO_CIRCUIT_BREAKER_STATS);
#undef NUNCIO_CIRCUIT_BREAKER_STATS

// `priority`: 0 for the default one, 1 for the high one.
inline const BlockDescriptor& CircuitBreakerDescriptor(size_t priority) {
  static const BlockDescriptor high = [] {
    BlockDescriptor descriptor = CircuitBreakerStats::Descriptor();
    descriptor.prefix = "circuit_breakers.high.";
    return descriptor;
  }();
  return priority == 0 ? CircuitBreakerStats::Descriptor() : high;
}

// The HTTP/1 codec towards the cluster.
#define NUNCIO_CLUSTER_HTTP1_STATS(X)     \
  X(Counter, response_framing_error)      \
  X(Counter, unexpected_bytes_while_idle) \
  X(Counter, early_response_closed)
NUNCIO_STATS_BLOCK(ClusterHttp1Stats, "http1.", NUNCIO_CLUSTER_HTTP1_STATS);
#undef NUNCIO_CLUSTER_HTTP1_STATS

}  // namespace nuncio::telemetry
