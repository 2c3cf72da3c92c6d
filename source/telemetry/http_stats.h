#pragma once

#include "source/telemetry/block.h"

// Statistics of HTTP connection managers: `http.<stat_prefix>.*`, scope HttpScopeName. Times in milliseconds, sizes in
// bytes. Written by the worker that has the connection.
namespace nuncio::telemetry {

#define NUNCIO_DOWNSTREAM_HTTP_STATS(X)                     \
  X(Counter, downstream_cx_total)                           \
  X(Gauge, downstream_cx_parked)                            \
  X(Gauge, downstream_cx_active)                            \
  X(Counter, downstream_cx_http1_total)                     \
  X(Gauge, downstream_cx_http1_active)                      \
  X(Counter, downstream_cx_http2_total)                     \
  X(Gauge, downstream_cx_http2_active)                      \
  X(Counter, downstream_cx_ssl_total)                       \
  X(Gauge, downstream_cx_ssl_active)                        \
  X(Counter, downstream_cx_upgrades_total)                  \
  X(Gauge, downstream_cx_upgrades_active)                   \
  X(Counter, downstream_cx_destroy)                         \
  X(Counter, downstream_cx_destroy_local)                   \
  X(Counter, downstream_cx_destroy_remote)                  \
  X(Counter, downstream_cx_destroy_active_rq)               \
  X(Counter, downstream_cx_destroy_local_active_rq)         \
  X(Counter, downstream_cx_destroy_remote_active_rq)        \
  X(Counter, downstream_cx_drain_close)                     \
  X(Counter, downstream_cx_delayed_close_timeout)           \
  X(Counter, downstream_cx_idle_timeout)                    \
  X(Counter, downstream_cx_max_duration_reached)            \
  X(Counter, downstream_cx_max_requests_reached)            \
  X(Counter, downstream_cx_protocol_error)                  \
  X(Counter, downstream_cx_rx_bytes_total)                  \
  X(Counter, downstream_cx_tx_bytes_total)                  \
  X(Gauge, downstream_cx_tx_bytes_buffered)                 \
  X(Histogram, downstream_cx_length_ms)                     \
  X(Counter, downstream_flow_control_paused_reading_total)  \
  X(Counter, downstream_flow_control_resumed_reading_total) \
  X(Counter, downstream_rq_total)                           \
  X(Gauge, downstream_rq_active)                            \
  X(Counter, downstream_rq_http1_total)                     \
  X(Counter, downstream_rq_http2_total)                     \
  X(Counter, downstream_rq_completed)                       \
  X(Counter, downstream_rq_1xx)                             \
  X(Counter, downstream_rq_2xx)                             \
  X(Counter, downstream_rq_3xx)                             \
  X(Counter, downstream_rq_4xx)                             \
  X(Counter, downstream_rq_5xx)                             \
  X(Counter, downstream_rq_failed_path_normalization)       \
  X(Counter, downstream_rq_redirected_with_normalized_path) \
  X(Counter, downstream_rq_response_before_rq_complete)     \
  X(Counter, downstream_rq_rx_reset)                        \
  X(Counter, downstream_rq_tx_reset)                        \
  X(Counter, downstream_rq_too_large)                       \
  X(Counter, downstream_rq_timeout)                         \
  X(Counter, downstream_rq_header_timeout)                  \
  X(Counter, downstream_rq_idle_timeout)                    \
  X(Counter, downstream_rq_max_duration_reached)            \
  X(Counter, downstream_rq_overload_close)                  \
  X(Histogram, downstream_rq_time)                          \
  X(Counter, downstream_rq_headers_too_large)               \
  X(Counter, downstream_rq_too_many_headers)                \
  X(Counter, downstream_rq_invalid_framing)                 \
  X(Counter, downstream_rq_http2_preface_refused)           \
  X(Counter, downstream_rq_connect_refused)                 \
  X(Counter, downstream_rq_too_many_premature_resets)       \
  X(Counter, downstream_rq_upgrade_refused)
NUNCIO_STATS_BLOCK(DownstreamHttpStats, "", NUNCIO_DOWNSTREAM_HTTP_STATS);
#undef NUNCIO_DOWNSTREAM_HTTP_STATS

// The router's decisions, under the same prefix.
#define NUNCIO_ROUTER_STATS(X)                           \
  X(Counter, no_route)                                   \
  X(Counter, no_cluster)                                 \
  X(Counter, rq_total)                                   \
  X(Counter, rq_redirect)                                \
  X(Counter, rq_direct_response)                         \
  X(Counter, rq_reset_after_downstream_response_started) \
  X(Counter, rq_retry_skipped_request_not_complete)      \
  X(Counter, rs_too_large)
NUNCIO_STATS_BLOCK(RouterStats, "", NUNCIO_ROUTER_STATS);
#undef NUNCIO_ROUTER_STATS

// The HTTP/1 codec towards clients, in the scope without prefix.
#define NUNCIO_DOWNSTREAM_HTTP1_STATS(X)                    \
  X(Counter, dropped_headers_with_underscores)              \
  X(Counter, requests_rejected_with_underscores_in_headers)
NUNCIO_STATS_BLOCK(DownstreamHttp1Stats, "http1.", NUNCIO_DOWNSTREAM_HTTP1_STATS);
#undef NUNCIO_DOWNSTREAM_HTTP1_STATS

}  // namespace nuncio::telemetry
