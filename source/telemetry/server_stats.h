#pragma once

#include "source/telemetry/block.h"

// Statistics of the process: `server.*`, scope ServerScopeName. Main's. `parent_connections` is 0: there is no hot
// restart, and so no parent.
namespace nuncio::telemetry {

#define NUNCIO_SERVER_STATS(X)                         \
  X(Gauge, uptime)                                     \
  X(Gauge, live)                                       \
  X(Gauge, state)                                      \
  X(Gauge, concurrency)                                \
  X(Gauge, memory_allocated)                           \
  X(Gauge, memory_heap_size)                           \
  X(Gauge, memory_physical_size)                       \
  X(Gauge, total_connections)                          \
  X(Gauge, parent_connections)                         \
  X(Gauge, version)                                    \
  X(Gauge, hot_restart_epoch)                          \
  X(Gauge, days_until_first_cert_expiring)             \
  X(Gauge, seconds_until_first_ocsp_response_expiring) \
  X(Histogram, initialization_time_ms)                 \
  X(Counter, dynamic_unknown_fields)                   \
  X(Counter, static_unknown_fields)
NUNCIO_STATS_BLOCK(ServerStats, "", NUNCIO_SERVER_STATS);
#undef NUNCIO_SERVER_STATS

}  // namespace nuncio::telemetry
