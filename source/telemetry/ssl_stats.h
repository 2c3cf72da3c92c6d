#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "source/telemetry/block.h"
#include "source/telemetry/scope.h"

// TLS statistics: `listener.<address>.ssl.*` and `cluster.<name>.ssl.*`.
namespace nuncio::telemetry {

#define NUNCIO_SSL_STATS(X)         \
  X(Counter, connection_error)      \
  X(Counter, handshake)             \
  X(Counter, session_reused)        \
  X(Counter, no_certificate)        \
  X(Counter, fail_verify_no_cert)   \
  X(Counter, fail_verify_error)     \
  X(Counter, fail_verify_san)       \
  X(Counter, fail_verify_cert_hash) \
  X(Counter, ocsp_staple_failed)    \
  X(Counter, ocsp_staple_omitted)   \
  X(Counter, ocsp_staple_responses) \
  X(Counter, ocsp_staple_requests)  \
  X(Counter, was_key_usage_invalid)
NUNCIO_STATS_BLOCK(SslCounters, "ssl.", NUNCIO_SSL_STATS);
#undef NUNCIO_SSL_STATS

// The TLS statistics of a listener or a cluster as one thread writes them.
class SslStats {
 public:
  SslStats(ScopePtr scope, StatsSlot slot)
      : scope_(std::move(scope)), slot_(slot), counters_(scope_->Get<SslCounters>(slot)) {}

  SslCounters& counters() { return counters_; }

  // What handshakes agree on: `ssl.ciphers.<name>`, `ssl.curves.<name>`, `ssl.sigalgs.<name>`, `ssl.versions.<name>`.
  enum class Choice : uint8_t { kCipher, kCurve, kSignature, kVersion };
  // `number`: the protocol's, which stands for `name`. Allocates when it meets one for the first time.
  void Count(Choice choice, uint16_t number, std::string_view name);

 private:
  struct Seen {
    Choice choice;
    uint16_t number;
    Counter* counter;
  };

  const ScopePtr scope_;
  const StatsSlot slot_;
  SslCounters& counters_;
  std::vector<Seen> seen_;  // A handful.
};

}  // namespace nuncio::telemetry
