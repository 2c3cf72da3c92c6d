#pragma once

#include "source/telemetry/block.h"
#include "source/telemetry/scope_name.h"

namespace nuncio::extensions {

// `tcp.<stat_prefix>.*`. Sizes in bytes. Written by the worker that has the connection.
#define NUNCIO_TCP_PROXY_STATS(X)                           \
  X(Counter, downstream_cx_total)                           \
  X(Counter, downstream_cx_no_route)                        \
  X(Counter, downstream_cx_rx_bytes_total)                  \
  X(Counter, downstream_cx_tx_bytes_total)                  \
  X(Gauge, downstream_cx_tx_bytes_buffered)                 \
  X(Counter, downstream_flow_control_paused_reading_total)  \
  X(Counter, downstream_flow_control_resumed_reading_total) \
  X(Counter, idle_timeout)                                  \
  X(Counter, max_downstream_connection_duration)            \
  X(Counter, upstream_flush_total)                          \
  X(Gauge, upstream_flush_active)
NUNCIO_STATS_BLOCK(TcpProxyStats, "", NUNCIO_TCP_PROXY_STATS);
#undef NUNCIO_TCP_PROXY_STATS

inline telemetry::ScopeName TcpScopeName(std::string_view stat_prefix) {
  return telemetry::ScopeName().Add("tcp").AddTagged(stat_prefix, telemetry::tags::kTcpPrefix);
}

}  // namespace nuncio::extensions
