#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "source/base/clock.h"
#include "source/base/rarely.h"
#include "source/config/config_source.h"
#include "source/config/subscription.h"
#include "source/http/h2/h2_options.h"
#include "source/matcher/metadata.h"
#include "source/net/address.h"
#include "source/net/dns_options.h"
#include "source/net/socket_options.h"
#include "source/upstream/cluster_assignment.h"

namespace nuncio::tls {
struct UpstreamTlsConfig;
}

// A cluster as configured: what envoy.config.cluster.v3.Cluster says, checked and with its defaults filled in.
// Immutable and shared by all threads; made by CompileCluster (cluster_compiler.h).
namespace nuncio::upstream {

enum class DiscoveryType : uint8_t { kStatic, kStrictDns, kLogicalDns, kEds };

enum class RoutingPriority : uint8_t { kDefault, kHigh };
inline constexpr size_t kRoutingPriorities = 2;

// How a host is chosen.
struct LoadBalancerConfig {
  enum class Policy : uint8_t { kRoundRobin, kLeastRequest, kRandom };
  Policy policy = Policy::kRoundRobin;
  // Of kLeastRequest: hosts that are compared, 2 or more.
  uint32_t choice_count = 2;
  // Of kLeastRequest: all hosts are compared, whatever choice_count says.
  bool full_scan = false;
  // Of kLeastRequest with weights that differ: a weight counts as weight / (requests + 1) ^ bias. Not negative.
  double active_request_bias = 1.0;
  // A locality is chosen by its weight first.
  bool locality_weighted = false;
  // Below this share of available hosts, in percent from 0 to 100, a priority's health is left out of account. 0:
  // never.
  double panic_threshold = 50.0;

  bool operator==(const LoadBalancerConfig&) const = default;
};

// Most of each at once, over all workers.
struct CircuitBreakerThresholds {
  uint32_t max_connections = 1024;
  uint32_t max_pending_requests = 1024;
  uint32_t max_requests = 1024;
  uint32_t max_retries = 3;
  // Pools of connections: one for each host, thread and whatever else keeps connections apart.
  uint32_t max_connection_pools = UINT32_MAX;
  // Whether the gauges `remaining_*` are kept.
  bool track_remaining = false;
};

// What is spoken to the hosts.
enum class UpstreamProtocol : uint8_t {
  kHttp1,
  kHttp2,
  kDownstream,  // What the request's client speaks.
  kAlpn,        // What the host chooses in the TLS handshake.
};

struct UpstreamHttp1Options {
  // Trailers are passed on; else they are read and dropped.
  bool enable_trailers = false;
  // Requests are written in absolute form, as to a forward proxy.
  bool send_fully_qualified_url = false;
};

// Settings of either protocol. Zero means no limit.
struct UpstreamCommonHttpOptions {
  // Of a connection without a request.
  Duration idle_timeout = std::chrono::hours(1);
  // Age at which a connection takes no more requests.
  Duration max_connection_duration{};
  // From the begin of a request to the end of its answer.
  Duration max_stream_duration{};
  // Requests after which a connection is closed.
  uint32_t max_requests_per_connection = 0;
  // Fields of an answer's header section, at least 1; of its trailers likewise.
  uint32_t max_headers_count = 100;
  // Bytes of an answer's header section.
  uint32_t max_response_headers_bytes = 60 * 1024;
};

// Names that the TLS handshake takes from the request.
struct UpstreamTlsNames {
  // The request's host is the SNI, unless it is an IP address.
  bool auto_sni = false;
  // The host's certificate must be for the request's host.
  bool auto_san_validation = false;
  // Where the request has this header, in lower case, its value stands for the request's host. Empty: none.
  std::string override_header;

  bool any() const { return auto_sni || auto_san_validation; }
};

// The local side of connections.
struct BindOptions {
  // Of no family: the kernel chooses.
  net::Address source_address;
  bool freebind = false;
  // Without those of freebind.
  std::vector<net::SocketOption> socket_options;
};

struct DnsDiscoveryOptions {
  // Above 1 ms.
  Duration refresh_rate = std::chrono::seconds(5);
  // After a failure, up to failure_base and then up to twice as long each time, to failure_max. Unset: refresh_rate.
  struct FailureBackoff {
    Duration base;
    Duration max;
  };
  std::optional<FailureBackoff> failure_backoff;
  // Looked up again when the answer's TTL ends, but at least 1 s later, instead of at refresh_rate.
  bool respect_ttl = false;
  net::DnsLookupFamily family = net::DnsLookupFamily::kAuto;
  // Unset: as the bootstrap says.
  std::optional<net::DnsOptions> resolver;
};

struct EdsOptions {
  config::ConfigSource source;
  // What to ask for: the cluster's name, unless `service_name` says otherwise.
  std::string resource_name;
  // As configured; may be empty.
  std::string service_name;
};

// One way to talk to hosts: what lies between TCP and the protocol on it.
struct UpstreamSocket {
  // For hosts whose metadata in the namespace "envoy.transport_socket_match" has all of these.
  Rarely<matcher::MetadataValue::Fields> criteria;
  // Null: plain TCP.
  std::shared_ptr<const tls::UpstreamTlsConfig> tls;
};

struct ClusterConfig : config::CompiledResource {
  std::string name;
  // May be empty.
  std::string alt_stat_name;
  // In the names of statistics.
  const std::string& stat_name() const { return alt_stat_name.empty() ? name : alt_stat_name; }

  DiscoveryType discovery = DiscoveryType::kStatic;
  // Never null but for kEds. For kLogicalDns it has exactly one endpoint.
  std::shared_ptr<const ClusterAssignment> assignment;
  // Not null for kEds and only there.
  std::shared_ptr<const EdsOptions> eds;
  Rarely<DnsDiscoveryOptions> dns;
  // Whether the start of the process waits for the first endpoints.
  bool wait_for_warm_on_init = true;

  LoadBalancerConfig balancer;
  // By RoutingPriority.
  std::array<CircuitBreakerThresholds, kRoutingPriorities> circuit_breakers;
  const CircuitBreakerThresholds& thresholds(RoutingPriority priority) const {
    return circuit_breakers[static_cast<size_t>(priority)];
  }

  // Above 0.
  Duration connect_timeout = std::chrono::seconds(5);
  // Bytes held for a connection in each direction before reading pauses.
  uint32_t per_connection_buffer_limit_bytes = 1 << 20;
  // Unset: as the bootstrap's cluster manager says.
  Rarely<std::optional<BindOptions>> bind;
  Rarely<std::optional<net::TcpKeepalive>> tcp_keepalive;
  // Connections of all hosts are drained when the hosts change, not only those of hosts that are gone.
  bool close_connections_on_host_set_change = false;

  UpstreamProtocol protocol = UpstreamProtocol::kHttp1;
  UpstreamHttp1Options http1;
  Rarely<http::h2::H2Options> http2;
  UpstreamCommonHttpOptions http;
  Rarely<UpstreamTlsNames> tls_names;

  // The cluster's own first, then `transport_socket_matches` in their order.
  absl::InlinedVector<UpstreamSocket, 1> sockets{UpstreamSocket()};
  // The first match whose criteria the host meets, or the cluster's own. `metadata` may be null.
  size_t SocketFor(const matcher::Metadata* metadata) const;

  // For access logs. Null: none.
  std::shared_ptr<const matcher::Metadata> metadata;
};

}  // namespace nuncio::upstream
