#include "source/upstream/cluster_compiler.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver.pb.h"
#include "source/base/strings.h"
#include "source/config/config_source_reader.h"
#include "source/config/converters.h"
#include "source/config/message_types.h"
#include "source/config/typed_config.h"
#include "source/matcher/config.h"
#include "source/tls/context_compiler.h"
#include "source/upstream/http_protocol_compiler.h"
#include "source/upstream/load_balancer_compiler.h"
#include "source/upstream/resource_types.h"

namespace nuncio::upstream {
namespace {

namespace cluster_v3 = envoy::config::cluster::v3;
namespace core = envoy::config::core::v3;
namespace cares = envoy::extensions::network::dns_resolver::cares::v3;

DiscoveryType ToDiscovery(cluster_v3::Cluster::DiscoveryType type) {
  switch (type) {
    case cluster_v3::Cluster::STRICT_DNS:
      return DiscoveryType::kStrictDns;
    case cluster_v3::Cluster::LOGICAL_DNS:
      return DiscoveryType::kLogicalDns;
    case cluster_v3::Cluster::EDS:
      return DiscoveryType::kEds;
    default:
      return DiscoveryType::kStatic;
  }
}

net::DnsLookupFamily ToFamily(cluster_v3::Cluster::DnsLookupFamily family) {
  switch (family) {
    case cluster_v3::Cluster::V4_ONLY:
      return net::DnsLookupFamily::kV4Only;
    case cluster_v3::Cluster::V6_ONLY:
      return net::DnsLookupFamily::kV6Only;
    case cluster_v3::Cluster::V4_PREFERRED:
      return net::DnsLookupFamily::kV4Preferred;
    case cluster_v3::Cluster::ALL:
      return net::DnsLookupFamily::kAll;
    default:
      return net::DnsLookupFamily::kAuto;
  }
}

void CompileEds(const cluster_v3::Cluster& cluster, ClusterConfig& out, config::Faults& faults) {
  if (cluster.has_load_assignment()) {
    faults.Add("load_assignment", "cannot be set in a cluster of type EDS, whose endpoints come by discovery");
  }
  const config::Faults::Scope scope(faults, "eds_cluster_config");
  if (!cluster.eds_cluster_config().has_eds_config()) {
    faults.Add("eds_config", "must be set in a cluster of type EDS");
    return;
  }
  EdsOptions eds;
  eds.service_name = cluster.eds_cluster_config().service_name();
  eds.resource_name = eds.service_name.empty() ? cluster.name() : eds.service_name;
  const config::Faults::Scope source_scope(faults, "eds_config");
  eds.source = config::ReadConfigSource(cluster.eds_cluster_config().eds_config(), faults);
  out.eds = std::make_shared<const EdsOptions>(std::move(eds));
}

void CheckLogicalDns(const ClusterAssignment& assignment, config::Faults& faults) {
  if (assignment.localities.size() == 1 && assignment.localities.front().endpoints.size() == 1) return;
  faults.Add("endpoints", "must hold exactly one locality with one endpoint in a cluster of type LOGICAL_DNS");
}

void CompileEndpoints(const cluster_v3::Cluster& cluster, ClusterConfig& out, config::Faults& faults) {
  out.discovery = ToDiscovery(cluster.type());
  if (out.discovery == DiscoveryType::kEds) return CompileEds(cluster, out, faults);
  if (cluster.has_eds_cluster_config()) {
    faults.Add("eds_cluster_config", "cannot be set but in a cluster of type EDS");
  }
  const config::Faults::Scope scope(faults, "load_assignment");
  out.assignment =
      CompileAssignment(cluster.load_assignment(), out.discovery != DiscoveryType::kStatic, faults);
  if (out.discovery == DiscoveryType::kLogicalDns && out.assignment != nullptr) {
    CheckLogicalDns(*out.assignment, faults);
  }
}

void CompileDns(const cluster_v3::Cluster& cluster, DnsDiscoveryOptions& out, config::Faults& faults) {
  out.refresh_rate = config::DurationField(cluster.has_dns_refresh_rate(), cluster.dns_refresh_rate(),
                                           "dns_refresh_rate", out.refresh_rate, faults);
  out.respect_ttl = cluster.respect_dns_ttl();
  out.family = ToFamily(cluster.dns_lookup_family());
  if (cluster.has_typed_dns_resolver_config()) {
    const config::Faults::Scope scope(faults, "typed_dns_resolver_config");
    out.resolver = CompileDnsResolver(cluster.typed_dns_resolver_config(), faults);
  }
  if (!cluster.has_dns_failure_refresh_rate()) return;
  const config::Faults::Scope scope(faults, "dns_failure_refresh_rate");
  const auto& rate = cluster.dns_failure_refresh_rate();
  DnsDiscoveryOptions::FailureBackoff backoff;
  backoff.base = config::DurationField(true, rate.base_interval(), "base_interval", {}, faults);
  const Duration unset = std::min<Duration>(backoff.base, std::chrono::hours(24 * 365)) * 10;
  backoff.max = config::DurationField(rate.has_max_interval(), rate.max_interval(), "max_interval", unset, faults);
  if (backoff.max < backoff.base) {
    faults.Add("max_interval", StrCat("must not be below base_interval (is ", config::FormatDuration(backoff.max),
                                      ", base_interval is ", config::FormatDuration(backoff.base), ")"));
  }
  out.failure_backoff = backoff;
}

void CompileCircuitBreakers(const cluster_v3::CircuitBreakers& from, ClusterConfig& out) {
  bool seen[kRoutingPriorities] = {};
  for (const auto& thresholds : from.thresholds()) {
    const auto priority = static_cast<size_t>(thresholds.priority());
    if (priority >= kRoutingPriorities || seen[priority]) continue;
    seen[priority] = true;
    CircuitBreakerThresholds& to = out.circuit_breakers[priority];
    if (thresholds.has_max_connections()) to.max_connections = thresholds.max_connections().value();
    if (thresholds.has_max_pending_requests()) to.max_pending_requests = thresholds.max_pending_requests().value();
    if (thresholds.has_max_requests()) to.max_requests = thresholds.max_requests().value();
    if (thresholds.has_max_retries()) to.max_retries = thresholds.max_retries().value();
    if (thresholds.has_max_connection_pools()) to.max_connection_pools = thresholds.max_connection_pools().value();
    to.track_remaining = thresholds.track_remaining();
  }
}

void CompileSockets(const cluster_v3::Cluster& cluster, config::DataSourceAccess access, ClusterConfig& out,
                    config::Faults& faults) {
  if (cluster.has_transport_socket()) {
    const config::Faults::Scope scope(faults, "transport_socket");
    tls::CompileUpstreamSocket(cluster.transport_socket(), access, out.sockets[0].tls, faults);
  }
  for (int i = 0; i < cluster.transport_socket_matches_size(); ++i) {
    const auto& match = cluster.transport_socket_matches(i);
    const config::Faults::Scope scope(faults, "transport_socket_matches", static_cast<size_t>(i));
    UpstreamSocket socket;
    core::Metadata criteria;
    (*criteria.mutable_filter_metadata())["match"] = match.match();
    const matcher::Metadata compiled = matcher::CompileMetadata(criteria, faults);
    if (const auto* value = compiled.Find("match", {}); value != nullptr) {
      socket.criteria = std::get<matcher::MetadataValue::Fields>(value->value);
    }
    if (match.has_transport_socket()) {
      const config::Faults::Scope socket_scope(faults, "transport_socket");
      tls::CompileUpstreamSocket(match.transport_socket(), access, socket.tls, faults);
    }
    out.sockets.push_back(std::move(socket));
  }
}

// What the protocol options want of TLS.
void CheckTlsUse(ClusterConfig& out, config::Faults& faults) {
  const auto plain = [](const UpstreamSocket& socket) { return socket.tls == nullptr; };
  if (out.protocol == UpstreamProtocol::kAlpn && std::any_of(out.sockets.begin(), out.sockets.end(), plain)) {
    faults.Add("transport_socket",
               "must be TLS, as must all transport_socket_matches, where the protocol is chosen by ALPN");
  }
  if (!out.tls_names->any() || !std::all_of(out.sockets.begin(), out.sockets.end(), plain)) return;
  const config::Faults::Scope scope(faults, "upstream_http_protocol_options");
  faults.Warn("has no effect without TLS");
  out.tls_names = {};
}

// The value as an int, as setsockopt(2) has it.
int ToInt(int64_t value, std::string_view field, config::Faults& faults) {
  if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max()) {
    faults.Add(field, StrCat("must fit 32 bits (is ", value, ")"));
    return 0;
  }
  return static_cast<int>(value);
}

net::SocketOption CompileSocketOption(const core::SocketOption& from, config::Faults& faults) {
  net::SocketOption out;
  out.description = from.description();
  out.level = ToInt(from.level(), "level", faults);
  out.name = ToInt(from.name(), "name", faults);
  if (from.has_int_value()) {
    out.int_value = ToInt(from.int_value(), "int_value", faults);
  } else {
    out.bytes = from.buf_value();
  }
  if (from.state() != core::SocketOption::STATE_PREBIND) {
    faults.Add("state", "must be STATE_PREBIND: an upstream socket takes its options before it connects");
  }
  return out;
}

std::shared_ptr<const matcher::Metadata> CompileClusterMetadata(const core::Metadata& from, config::Faults& faults) {
  const config::Faults::Scope scope(faults, "metadata");
  auto metadata = std::make_shared<const matcher::Metadata>(matcher::CompileMetadata(from, faults));
  return metadata->empty() ? nullptr : metadata;
}

void CompileConnections(const cluster_v3::Cluster& cluster, ClusterConfig& out, config::Faults& faults) {
  out.connect_timeout = config::DurationField(cluster.has_connect_timeout(), cluster.connect_timeout(),
                                              "connect_timeout", out.connect_timeout, faults);
  if (cluster.has_per_connection_buffer_limit_bytes()) {
    out.per_connection_buffer_limit_bytes = cluster.per_connection_buffer_limit_bytes().value();
  }
  out.close_connections_on_host_set_change = cluster.common_lb_config().close_connections_on_host_set_change();
  if (cluster.has_upstream_bind_config()) {
    const config::Faults::Scope scope(faults, "upstream_bind_config");
    out.bind.Own() = CompileBindConfig(cluster.upstream_bind_config(), faults);
  }
  if (cluster.upstream_connection_options().has_tcp_keepalive()) {
    out.tcp_keepalive.Own() = CompileKeepalive(cluster.upstream_connection_options().tcp_keepalive());
  }
}

class ClusterType final : public config::ResourceType {
 public:
  explicit ClusterType(config::DataSourceAccess access) : access_(access) {}
  std::string_view type_url() const override { return "type.googleapis.com/envoy.config.cluster.v3.Cluster"; }
  bool absence_is_removal() const override { return true; }
  std::shared_ptr<const config::CompiledResource> Compile(std::string_view bytes, std::string& name,
                                                          config::Faults& faults) const override {
    cluster_v3::Cluster message;
    const bool good = config::ParseAndCheck(bytes, message, faults);
    name = message.name();
    return good ? CompileCluster(message, access_, faults) : nullptr;
  }

 private:
  const config::DataSourceAccess access_;
};

}  // namespace

BindOptions CompileBindConfig(const core::BindConfig& bind, config::Faults& faults) {
  BindOptions out;
  out.freebind = bind.freebind().value();
  if (bind.has_source_address()) {
    const core::SocketAddress& source = bind.source_address();
    absl::StatusOr<net::Address> address =
        net::Address::FromIp(source.address(), static_cast<uint16_t>(source.port_value()));
    if (address.ok()) {
      out.source_address = *address;
    } else {
      faults.Add("source_address.address", StrCat("must be an IP address (is ", config::Quote(source.address()), ")"));
    }
  }
  for (int i = 0; i < bind.socket_options_size(); ++i) {
    const config::Faults::Scope scope(faults, "socket_options", static_cast<size_t>(i));
    out.socket_options.push_back(CompileSocketOption(bind.socket_options(i), faults));
  }
  return out;
}

net::TcpKeepalive CompileKeepalive(const core::TcpKeepalive& keepalive) {
  net::TcpKeepalive out;
  if (keepalive.has_keepalive_probes()) out.probes = keepalive.keepalive_probes().value();
  if (keepalive.has_keepalive_time()) out.time = std::chrono::seconds(keepalive.keepalive_time().value());
  if (keepalive.has_keepalive_interval()) out.interval = std::chrono::seconds(keepalive.keepalive_interval().value());
  return out;
}

std::optional<net::DnsOptions> CompileDnsResolver(const core::TypedExtensionConfig& extension, config::Faults& faults) {
  const config::Faults::Scope scope(faults, "typed_config");
  cares::CaresDnsResolverConfig from;
  if (!config::UnpackAndCheck(extension.typed_config(), &from, faults)) return std::nullopt;
  const size_t before = faults.count();
  net::DnsOptions out;
  for (int i = 0; i < from.resolvers_size(); ++i) {
    const config::Faults::Scope resolver_scope(faults, "resolvers", static_cast<size_t>(i));
    const core::SocketAddress& server = from.resolvers(i).socket_address();
    absl::StatusOr<net::Address> address =
        net::Address::FromIp(server.address(), static_cast<uint16_t>(server.port_value()));
    if (!address.ok()) {
      faults.Add("socket_address.address", "must be the IP address of a DNS server");
      continue;
    }
    out.servers.push_back(*address);
  }
  out.use_tcp = from.dns_resolver_options().use_tcp_for_dns_lookups();
  out.no_search_domain = from.dns_resolver_options().no_default_search_domain();
  if (from.has_query_timeout_seconds()) {
    // c-ares counts milliseconds in an int.
    constexpr uint64_t kMost = 86400;
    out.query_timeout = std::chrono::seconds(std::min(from.query_timeout_seconds().value(), kMost));
    if (from.query_timeout_seconds().value() > kMost) {
      faults.Add("query_timeout_seconds", StrCat("must be at most ", kMost));
    }
  }
  if (from.has_query_tries()) {
    constexpr uint32_t kMost = 1000;
    out.query_tries = from.query_tries().value();
    if (out.query_tries > kMost) faults.Add("query_tries", StrCat("must be at most ", kMost));
  }
  if (faults.count() != before) return std::nullopt;
  return out;
}

std::shared_ptr<const ClusterConfig> CompileCluster(const cluster_v3::Cluster& cluster, config::DataSourceAccess access,
                                                    config::Faults& faults) {
  const size_t before = faults.count();
  auto out = std::make_shared<ClusterConfig>();
  out->name = cluster.name();
  out->alt_stat_name = cluster.alt_stat_name();
  if (cluster.has_wait_for_warm_on_init()) out->wait_for_warm_on_init = cluster.wait_for_warm_on_init().value();
  CompileEndpoints(cluster, *out, faults);
  if (out->discovery == DiscoveryType::kStrictDns || out->discovery == DiscoveryType::kLogicalDns) {
    CompileDns(cluster, out->dns.Own(), faults);
  } else {
    DnsDiscoveryOptions unused;
    CompileDns(cluster, unused, faults);
  }
  out->balancer = CompileLoadBalancer(cluster, faults);
  CompileCircuitBreakers(cluster.circuit_breakers(), *out);
  CompileConnections(cluster, *out, faults);
  CompileSockets(cluster, access, *out, faults);
  CompileHttpProtocol(cluster, *out, faults);
  CheckTlsUse(*out, faults);
  if (cluster.has_metadata()) out->metadata = CompileClusterMetadata(cluster.metadata(), faults);
  if (faults.count() != before) return nullptr;
  return out;
}

const config::ResourceType& ClusterResourceType() {
  static const ClusterType type(config::DataSourceAccess::kRead);
  return type;
}

}  // namespace nuncio::upstream
