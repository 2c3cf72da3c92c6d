#pragma once

#include "source/telemetry/block.h"

namespace nuncio::extensions {

// In the scope without prefix. bytes_processed: what a connection had brought when it was decided.
#define NUNCIO_TLS_INSPECTOR_STATS(X) \
  X(Counter, client_hello_too_large)  \
  X(Counter, tls_found)               \
  X(Counter, tls_not_found)           \
  X(Counter, alpn_found)              \
  X(Counter, alpn_not_found)          \
  X(Counter, sni_found)               \
  X(Counter, sni_not_found)           \
  X(Histogram, bytes_processed)
NUNCIO_STATS_BLOCK(TlsInspectorStats, "tls_inspector.", NUNCIO_TLS_INSPECTOR_STATS);
#undef NUNCIO_TLS_INSPECTOR_STATS

}  // namespace nuncio::extensions
