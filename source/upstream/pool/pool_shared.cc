#include "source/upstream/pool/pool_shared.h"

#include <netinet/in.h>

#include <utility>

namespace nuncio::upstream {
namespace {

http::h1::H1Options MakeH1Options(const ClusterConfig& config) {
  http::h1::H1Options options;
  options.max_head_bytes = config.http.max_response_headers_bytes;
  options.max_headers = config.http.max_headers_count;
  options.enable_trailers = config.http1.enable_trailers;
  options.send_fully_qualified_url = config.http1.send_fully_qualified_url;
  return options;
}

http::h2::H2Options MakeH2Options(const ClusterConfig& config) {
  http::h2::H2Options options = *config.http2;
  options.max_header_bytes = config.http.max_response_headers_bytes;
  options.max_header_count = config.http.max_headers_count;
  if (config.per_connection_buffer_limit_bytes > 0) options.send_buffer_high = config.per_connection_buffer_limit_bytes;
  return options;
}

telemetry::CircuitBreakerStats& CircuitBreakers(const ClusterScopes& scopes, size_t priority,
                                                telemetry::StatsSlot slot) {
  return *static_cast<telemetry::CircuitBreakerStats*>(
      scopes.cluster->Get(telemetry::CircuitBreakerDescriptor(priority), slot));
}

net::SocketOption Freebind(int level, int name) {
  net::SocketOption option;
  option.description = "freebind";
  option.level = level;
  option.name = name;
  option.int_value = 1;
  return option;
}

}  // namespace

PoolShared::PoolShared(std::shared_ptr<const ClusterConfig> config_in,
                       const ClusterLimitsByPriority& limits,
                       const ClusterScopes& scopes_in, const BindOptions* default_bind, ThreadTlsCells tls,
                       const WorkerServices& services_in, ConnectionSupplies& supplies_in)
    : config(std::move(config_in)),
      scopes(scopes_in),
      services(services_in),
      supplies(supplies_in),
      traffic(scopes.cluster->Get<telemetry::ClusterTrafficStats>(services.slot)),
      http1_stats(config->protocol != UpstreamProtocol::kHttp2
                      ? &scopes.cluster->Get<telemetry::ClusterHttp1Stats>(services.slot)
                      : nullptr),
      http2_stats(config->protocol != UpstreamProtocol::kHttp1
                      ? &scopes.cluster->Get<telemetry::Http2Stats>(services.slot)
                      : nullptr),
      h1_options(MakeH1Options(*config)),
      h2_options(MakeH2Options(*config)),
      tls_sockets(config, std::move(tls), scopes, services.slot),
      default_limits(limits[0], services.slot, CircuitBreakers(scopes, 0, services.slot)),
      high_limits(limits[1], services.slot, CircuitBreakers(scopes, 1, services.slot)) {
  const BindOptions* bind = config->bind->has_value() ? &**config->bind : default_bind;
  if (bind == nullptr) return;
  bind_address = bind->source_address;
  socket_options_v4 = socket_options_v6 = socket_options_path = bind->socket_options;
  if (!bind->freebind) return;
  socket_options_v4.push_back(Freebind(IPPROTO_IP, IP_FREEBIND));
  socket_options_v6.push_back(Freebind(IPPROTO_IPV6, IPV6_FREEBIND));
}

net::Connection::ConnectOptions PoolShared::ConnectOptionsFor(const net::Address& to) const {
  net::Connection::ConnectOptions options;
  if (to.is_ip() && bind_address.length() != 0) options.bind_address = &bind_address;
  if (config->tcp_keepalive->has_value()) options.keepalive = &**config->tcp_keepalive;
  const auto& socket_options = to.family() == AF_INET    ? socket_options_v4
                               : to.family() == AF_INET6 ? socket_options_v6
                                                         : socket_options_path;
  if (!socket_options.empty()) options.socket_options = &socket_options;
  return options;
}

}  // namespace nuncio::upstream
