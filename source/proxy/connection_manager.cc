#include "source/proxy/connection_manager.h"

#include <utility>

#include "source/proxy/downstream_connection.h"

namespace nuncio::proxy {

HttpConnectionManager::HttpConnectionManager(WorkerServices& services,
                                             std::shared_ptr<const ConnectionManagerConfig> config,
                                             AccessLogs logs, std::shared_ptr<RouteCell> routes,
                                             HttpFilters filters)
    : services_(services),
      config_(std::move(config)),
      logs_(std::move(logs)),
      routes_(std::move(routes)),
      filters_(std::move(filters)),
      scope_(services.stats.GetScope(telemetry::HttpScopeName(config_->stat_prefix))),
      codec_scope_(services.stats.GetScope(telemetry::ScopeName())),
      stats_(scope_->Get<telemetry::DownstreamHttpStats>(services.slot)),
      router_stats_(scope_->Get<telemetry::RouterStats>(services.slot)),
      http1_stats_(codec_scope_->Get<telemetry::DownstreamHttp1Stats>(services.slot)),
      http2_stats_(codec_scope_->Get<telemetry::Http2Stats>(services.slot)),
      downstream_http2_stats_(codec_scope_->Get<telemetry::DownstreamHttp2Stats>(services.slot)),
      http2_options_(config_->http2) {}

HttpConnectionManager::~HttpConnectionManager() { CloseAll(); }

void HttpConnectionManager::Serve(filter::AcceptedConnection accepted, std::unique_ptr<net::TransportSocket> transport,
                                  filter::ConnectionOwner& owner) {
  auto* connection = new DownstreamConnection(*this, accepted, std::move(transport), owner);
  list_.PushBack(*connection);
  ++connections_;
  connection->Start();
}

const http::h2::H2Options& HttpConnectionManager::Http2Options(uint32_t buffer_limit) {
  // The listener's, which changes at most with its configuration; then for all connections at once.
  if (buffer_limit > 0) http2_options_.send_buffer_high = buffer_limit;
  return http2_options_;
}

void HttpConnectionManager::StartDraining(Duration spread) {
  draining_ = true;
  DownstreamConnection* next;
  for (DownstreamConnection* connection = list_.front(); connection != nullptr; connection = next) {
    next = list_.Next(*connection);
    Duration after{};
    if (spread > Duration::zero()) after = Duration(services_.random.Below(static_cast<uint64_t>(spread.count())));
    connection->StartDraining(after);
  }
}

void HttpConnectionManager::CloseAll() {
  while (DownstreamConnection* connection = list_.front()) connection->CloseNow();
}

}  // namespace nuncio::proxy
