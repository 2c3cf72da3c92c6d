#pragma once

#include "source/telemetry/block.h"

// Statistics of secrets and of the TLS contexts made of them.
namespace nuncio::telemetry {

// `sds.<secret>.*`, beside SubscriptionStats; of secrets that stand in a listener or cluster
// `listener.<address>.server_ssl_socket_factory.*` and `cluster.<name>.client_ssl_socket_factory.*`. Main's.
// key_rotation_failed: files changed, and what they hold was refused.
#define NUNCIO_KEY_ROTATION_STATS(X) X(Counter, key_rotation_failed)
NUNCIO_STATS_BLOCK(KeyRotationStats, "", NUNCIO_KEY_ROTATION_STATS);
#undef NUNCIO_KEY_ROTATION_STATS

// `listener.<address>.server_ssl_socket_factory.*` and `cluster.<name>.client_ssl_socket_factory.*`. Updates are
// main's, the `*_secrets_not_ready` those of the worker that had to do without a context.
#define NUNCIO_SSL_SOCKET_FACTORY_STATS(X)         \
  X(Counter, ssl_context_update_by_sds)            \
  X(Counter, ssl_context_update_failed)            \
  X(Counter, upstream_context_secrets_not_ready)   \
  X(Counter, downstream_context_secrets_not_ready)
NUNCIO_STATS_BLOCK(SslSocketFactoryStats, "", NUNCIO_SSL_SOCKET_FACTORY_STATS);
#undef NUNCIO_SSL_SOCKET_FACTORY_STATS

// `listener.<address>.ssl.certificate.<certificate>.*`, and of clusters likewise. In seconds since 1970. Main's.
#define NUNCIO_CERTIFICATE_STATS(X) X(Gauge, expiration_unix_time_seconds)
NUNCIO_STATS_BLOCK(CertificateStats, "", NUNCIO_CERTIFICATE_STATS);
#undef NUNCIO_CERTIFICATE_STATS

}  // namespace nuncio::telemetry
