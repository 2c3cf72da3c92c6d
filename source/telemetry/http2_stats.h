#pragma once

#include "source/telemetry/block.h"

// The HTTP/2 codec; of clients in the scope without prefix, of backends in their cluster's. Written by the worker that
// has the connection.
namespace nuncio::telemetry {

#define NUNCIO_HTTP2_STATS(X)                    \
  X(Counter, goaway_received)                    \
  X(Counter, goaway_sent)                        \
  X(Counter, header_overflow)                    \
  X(Counter, inbound_empty_frames_flood)         \
  X(Counter, inbound_priority_frames_flood)      \
  X(Counter, inbound_settings_frames_flood)      \
  X(Counter, inbound_window_update_frames_flood) \
  X(Counter, keepalive_timeout)                  \
  X(Counter, outbound_control_flood)             \
  X(Counter, outbound_flood)                     \
  X(Counter, rx_messaging_error)                 \
  X(Counter, rx_reset)                           \
  X(Counter, too_many_header_frames)             \
  X(Counter, trailers)                           \
  X(Counter, tx_flush_timeout)                   \
  X(Counter, tx_reset)                           \
  X(Gauge, streams_active)                       \
  X(Gauge, pending_send_bytes)
NUNCIO_STATS_BLOCK(Http2Stats, "http2.", NUNCIO_HTTP2_STATS);
#undef NUNCIO_HTTP2_STATS

// What only clients' connections have.
#define NUNCIO_DOWNSTREAM_HTTP2_STATS(X)                    \
  X(Counter, dropped_headers_with_underscores)              \
  X(Counter, requests_rejected_with_underscores_in_headers) \
  X(Counter, stream_refused_errors)
NUNCIO_STATS_BLOCK(DownstreamHttp2Stats, "http2.", NUNCIO_DOWNSTREAM_HTTP2_STATS);
#undef NUNCIO_DOWNSTREAM_HTTP2_STATS

}  // namespace nuncio::telemetry
