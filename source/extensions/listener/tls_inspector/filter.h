#pragma once

#include <memory>

#include "source/extensions/listener/tls_inspector/filter_config.h"
#include "source/extensions/listener/tls_inspector/stats.h"
#include "source/telemetry/stats_store.h"
#include "source/tls/client_hello.h"

namespace nuncio::extensions {

// Reads server name, application protocols and fingerprints out of the ClientHello.
class TlsInspector final : public filter::ListenerFilter {
 public:
  TlsInspector(std::shared_ptr<const filter::ListenerFilterConfig> config, telemetry::StatsStore& stats,
               telemetry::StatsSlot slot);

  size_t max_bytes() const override { return max_bytes_; }
  filter::ListenerFilterOutcome Inspect(std::string_view bytes, filter::AcceptedConnection& connection) override;

 private:
  void OnClientHello(tls::ClientHello& hello, filter::ConnectionFacts& facts);

  const std::shared_ptr<const TlsInspectorConfig> config_;
  const size_t max_bytes_;
  const telemetry::ScopePtr scope_;
  TlsInspectorStats& stats_;
};

}  // namespace nuncio::extensions
