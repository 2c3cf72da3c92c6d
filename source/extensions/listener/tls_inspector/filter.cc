#include "source/extensions/listener/tls_inspector/filter.h"

#include <utility>

namespace nuncio::extensions {
namespace {

// The largest message may stand in records that begin within it and are larger than what it needs of them.
constexpr size_t kLargestRecord = 5 + 16384;

using filter::ListenerFilterOutcome;
using filter::ListenerFilterVerdict;

}  // namespace

TlsInspector::TlsInspector(std::shared_ptr<const filter::ListenerFilterConfig> config, telemetry::StatsStore& stats,
                           telemetry::StatsSlot slot)
    : config_(std::static_pointer_cast<const TlsInspectorConfig>(std::move(config))),
      max_bytes_(config_->max_client_hello + kLargestRecord + 1),
      scope_(stats.GetScope(telemetry::ScopeName())),
      stats_(scope_->Get<TlsInspectorStats>(slot)) {}

ListenerFilterOutcome TlsInspector::Inspect(std::string_view bytes, filter::AcceptedConnection& connection) {
  tls::ClientHello hello;
  const tls::HelloState state = tls::ParseClientHello(bytes, config_->max_client_hello, &hello);
  if (state == tls::HelloState::kIncomplete) return {ListenerFilterVerdict::kNeedMore};
  stats_.bytes_processed.Record(bytes.size());
  switch (state) {
    case tls::HelloState::kComplete:
      OnClientHello(hello, connection.facts);
      return {};
    case tls::HelloState::kTooLarge:
      stats_.client_hello_too_large.Inc();
      return {ListenerFilterVerdict::kReject};
    case tls::HelloState::kMalformed:
      stats_.tls_not_found.Inc();
      return {config_->close_on_malformed ? ListenerFilterVerdict::kReject : ListenerFilterVerdict::kContinue};
    default:
      stats_.tls_not_found.Inc();
      return {};
  }
}

void TlsInspector::OnClientHello(tls::ClientHello& hello, filter::ConnectionFacts& facts) {
  stats_.tls_found.Inc();
  facts.transport_protocol = "tls";
  if (config_->ja3) facts.ja3 = hello.Ja3();
  if (config_->ja4) facts.ja4 = hello.Ja4();
  (hello.sni.empty() ? stats_.sni_not_found : stats_.sni_found).Inc();
  facts.server_name = std::move(hello.sni);
  (hello.alpn.empty() ? stats_.alpn_not_found : stats_.alpn_found).Inc();
  facts.application_protocols = std::move(hello.alpn);
}

}  // namespace nuncio::extensions
