#pragma once

#include "source/telemetry/block.h"

// Statistics of listeners: `listener.<address>.*`, scope ListenerScopeName, and `listener.<address>.worker_<n>.*`,
// scope ListenerWorkerScopeName.
namespace nuncio::telemetry {

// Connections of a listener, written by the worker that accepted them. `downstream_cx_overflow` is 0: listeners have no
// limit of their own.
#define NUNCIO_LISTENER_STATS(X)                             \
  X(Counter, downstream_cx_total)                            \
  X(Gauge, downstream_cx_active)                             \
  X(Counter, downstream_cx_destroy)                          \
  X(Counter, downstream_cx_overflow)                         \
  X(Counter, downstream_cx_overload_reject)                  \
  X(Counter, downstream_cx_transport_socket_connect_timeout) \
  X(Counter, downstream_global_cx_overflow)                  \
  X(Counter, downstream_pre_cx_timeout)                      \
  X(Gauge, downstream_pre_cx_active)                         \
  X(Counter, downstream_listener_filter_remote_close)        \
  X(Counter, downstream_listener_filter_error)               \
  X(Histogram, downstream_cx_length_ms)                      \
  X(Counter, no_filter_chain_match)                          \
  X(Counter, accept_paused_no_descriptors)
NUNCIO_STATS_BLOCK(ListenerStats, "", NUNCIO_LISTENER_STATS);
#undef NUNCIO_LISTENER_STATS

// One worker's part of a listener.
#define NUNCIO_LISTENER_WORKER_STATS(X) \
  X(Counter, downstream_cx_total)       \
  X(Gauge, downstream_cx_active)
NUNCIO_STATS_BLOCK(ListenerWorkerStats, "", NUNCIO_LISTENER_WORKER_STATS);
#undef NUNCIO_LISTENER_WORKER_STATS

}  // namespace nuncio::telemetry
