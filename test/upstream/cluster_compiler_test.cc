#include "source/upstream/cluster_compiler.h"

#include "gmock/gmock.h"
#include "source/upstream/resource_types.h"
#include "test/upstream/config_text.h"

namespace nuncio::upstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

TEST(CompileClusterTest, DefaultsAreThoseTheApiStates) {
  const auto config = ClusterFromText("name: c");
  ASSERT_NE(nullptr, config);
  EXPECT_EQ("c", config->stat_name());
  EXPECT_EQ(DiscoveryType::kStatic, config->discovery);
  ASSERT_NE(nullptr, config->assignment);
  EXPECT_TRUE(config->assignment->localities.empty());
  EXPECT_EQ(140u, config->assignment->overprovisioning_factor);
  EXPECT_EQ(seconds(5), config->connect_timeout);
  EXPECT_EQ(1048576u, config->per_connection_buffer_limit_bytes);
  EXPECT_TRUE(config->wait_for_warm_on_init);
  EXPECT_EQ((LoadBalancerConfig{}), config->balancer);
  EXPECT_EQ(50.0, config->balancer.panic_threshold);
  for (const CircuitBreakerThresholds& thresholds : config->circuit_breakers) {
    EXPECT_EQ(1024u, thresholds.max_connections);
    EXPECT_EQ(1024u, thresholds.max_pending_requests);
    EXPECT_EQ(1024u, thresholds.max_requests);
    EXPECT_EQ(3u, thresholds.max_retries);
    EXPECT_FALSE(thresholds.track_remaining);
  }
  EXPECT_EQ(UpstreamProtocol::kHttp1, config->protocol);
  EXPECT_EQ(std::chrono::hours(1), config->http.idle_timeout);
  EXPECT_EQ(0u, config->http.max_requests_per_connection);
  EXPECT_EQ(100u, config->http.max_headers_count);
  EXPECT_EQ(60u * 1024, config->http.max_response_headers_bytes);
  EXPECT_EQ(seconds(5), config->dns->refresh_rate);
  EXPECT_FALSE(config->dns->failure_backoff.has_value());
  EXPECT_FALSE(config->bind->has_value());
  EXPECT_FALSE(config->tcp_keepalive->has_value());
  EXPECT_EQ(nullptr, config->metadata);
}

TEST(CompileClusterTest, EndpointsCarryAllThatIsSaidOfThem) {
  const auto config = ClusterFromText(R"(
name: c
alt_stat_name: stats
load_assignment:
  cluster_name: c
  policy: {overprovisioning_factor: 200}
  endpoints:
  - locality: {region: r, zone: z, sub_zone: s}
    load_balancing_weight: 5
    lb_endpoints:
    - endpoint:
        hostname: h
        address: {socket_address: {address: 10.0.0.1, port_value: 80}}
      health_status: DRAINING
      load_balancing_weight: 3
      metadata: {filter_metadata: {ns: {k: v}}}
    - endpoint: {address: {pipe: {path: /run/s.sock}}}
  - priority: 1
    lb_endpoints: {endpoint: {address: {socket_address: {address: "::1", port_value: 81}}}}
)");
  ASSERT_NE(nullptr, config);
  EXPECT_EQ("stats", config->stat_name());
  EXPECT_EQ(200u, config->assignment->overprovisioning_factor);
  ASSERT_EQ(2u, config->assignment->localities.size());
  const LocalityConfig& locality = config->assignment->localities[0];
  EXPECT_EQ((Locality{"r", "z", "s"}), locality.locality);
  EXPECT_EQ(5u, locality.weight);
  ASSERT_EQ(2u, locality.endpoints.size());
  EXPECT_EQ("10.0.0.1:80", locality.endpoints[0].address.ToString());
  EXPECT_EQ("h", *locality.endpoints[0].hostname);
  EXPECT_EQ(3u, locality.endpoints[0].weight);
  EXPECT_EQ(HealthStatus::kDraining, locality.endpoints[0].health);
  ASSERT_NE(nullptr, locality.endpoints[0].metadata);
  EXPECT_EQ("/run/s.sock", locality.endpoints[1].address.IpText());
  EXPECT_EQ(1u, config->assignment->localities[1].priority);
  EXPECT_EQ(81, config->assignment->localities[1].endpoints[0].address.port());
}

TEST(CompileClusterTest, ALocalityThatIsListedTwiceIsOne) {
  const auto config = ClusterFromText(R"(
name: c
load_assignment:
  cluster_name: c
  endpoints:
  - lb_endpoints: {endpoint: {address: {socket_address: {address: 10.0.0.1, port_value: 80}}}}
  - lb_endpoints: {endpoint: {address: {socket_address: {address: 10.0.0.2, port_value: 80}}}}
)");
  ASSERT_EQ(1u, config->assignment->localities.size());
  EXPECT_EQ(2u, config->assignment->localities[0].endpoints.size());
}

TEST(CompileClusterTest, NamesAreForDnsAndSocketPathsAreNot) {
  const std::string endpoint = R"(
name: c
type: TYPE
load_assignment: {cluster_name: c, endpoints: {lb_endpoints: {endpoint: {address: ADDRESS}}}}
)";
  const auto with = [&](std::string_view type, std::string_view address) {
    std::string text = endpoint;
    text.replace(text.find("TYPE"), 4, type);
    text.replace(text.find("ADDRESS"), 7, address);
    return text;
  };
  const std::string name = "{socket_address: {address: example.com, port_value: 80}}";
  EXPECT_THAT(FaultsOf(with("STATIC", name)),
              HasSubstr("load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.address: must be "
                        "an IP address (is \"example.com\")"));
  const auto config = ClusterFromText(with("STRICT_DNS", name));
  const EndpointConfig& target = config->assignment->localities[0].endpoints[0];
  EXPECT_TRUE(target.is_name());
  EXPECT_EQ("example.com", *target.dns_name);
  EXPECT_EQ("example.com", *target.hostname);
  EXPECT_EQ(80, target.dns_port);
  EXPECT_THAT(FaultsOf(with("LOGICAL_DNS", "{pipe: {path: /x}}")), HasSubstr("use a cluster of type STATIC"));
}

TEST(CompileClusterTest, LogicalDnsTakesExactlyOneEndpoint) {
  EXPECT_THAT(FaultsOf("{name: c, type: LOGICAL_DNS}"), HasSubstr("load_assignment.endpoints: must hold exactly one"));
}

TEST(CompileClusterTest, PrioritiesMayHaveGaps) {
  const auto config =
      ClusterFromText("{name: c, load_assignment: {cluster_name: c, endpoints: [{priority: 1}, {priority: 128}]}}");
  ASSERT_EQ(2u, config->assignment->localities.size());
  EXPECT_EQ(1u, config->assignment->localities[0].priority);
  EXPECT_EQ(128u, config->assignment->localities[1].priority);
  EXPECT_THAT(FaultsOf("{name: c, load_assignment: {cluster_name: c, endpoints: {priority: 129}}}"),
              HasSubstr("load_assignment.endpoints[0].priority"));
}

TEST(CompileClusterTest, WeightsOfALocalityFit32Bits) {
  EXPECT_THAT(FaultsOf(R"(
name: c
load_assignment:
  cluster_name: c
  endpoints:
  - lb_endpoints:
    - {load_balancing_weight: 4294967295, endpoint: {address: {socket_address: {address: 10.0.0.1, port_value: 1}}}}
    - {load_balancing_weight: 1, endpoint: {address: {socket_address: {address: 10.0.0.2, port_value: 1}}}}
)"),
              HasSubstr("add up to 4294967296"));
}

TEST(CompileClusterTest, EdsNeedsItsSourceAndNoEndpoints) {
  const auto config = ClusterFromText(
      "{name: c, type: EDS, eds_cluster_config: {service_name: s, eds_config: {ads: {}, initial_fetch_timeout: 2s}}}");
  ASSERT_NE(nullptr, config->eds);
  EXPECT_EQ("s", config->eds->resource_name);
  EXPECT_EQ(seconds(2), config->eds->source.initial_fetch_timeout);
  EXPECT_EQ("c",
            ClusterFromText("{name: c, type: EDS, eds_cluster_config: {eds_config: {ads: {}}}}")->eds->resource_name);
  EXPECT_THAT(FaultsOf("{name: c, type: EDS}"), HasSubstr("eds_cluster_config.eds_config: must be set"));
  EXPECT_THAT(FaultsOf("{name: c, type: EDS, eds_cluster_config: {eds_config: {ads: {}}}, "
                       "load_assignment: {cluster_name: c}}"),
              HasSubstr("load_assignment: cannot be set"));
  EXPECT_THAT(FaultsOf("{name: c, eds_cluster_config: {eds_config: {ads: {}}}}"),
              HasSubstr("eds_cluster_config: cannot be set but in"));
}

TEST(CompileClusterTest, Dns) {
  const auto config = ClusterFromText(R"(
name: c
type: STRICT_DNS
dns_refresh_rate: 30s
dns_failure_refresh_rate: {base_interval: 2s}
respect_dns_ttl: true
dns_lookup_family: V4_PREFERRED
typed_dns_resolver_config:
  name: x
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig
    resolvers: [{socket_address: {address: 10.0.0.53, port_value: 5353}}]
    dns_resolver_options: {use_tcp_for_dns_lookups: true, no_default_search_domain: true}
    query_timeout_seconds: 2
    query_tries: 3
)");
  EXPECT_EQ(seconds(30), config->dns->refresh_rate);
  ASSERT_TRUE(config->dns->failure_backoff.has_value());
  EXPECT_EQ(seconds(2), config->dns->failure_backoff->base);
  EXPECT_EQ(seconds(20), config->dns->failure_backoff->max);
  EXPECT_TRUE(config->dns->respect_ttl);
  EXPECT_EQ(net::DnsLookupFamily::kV4Preferred, config->dns->family);
  ASSERT_TRUE(config->dns->resolver.has_value());
  const net::DnsOptions& resolver = *config->dns->resolver;
  ASSERT_EQ(1u, resolver.servers.size());
  EXPECT_EQ("10.0.0.53:5353", resolver.servers[0].ToString());
  EXPECT_TRUE(resolver.use_tcp);
  EXPECT_TRUE(resolver.no_search_domain);
  EXPECT_EQ(seconds(2), resolver.query_timeout);
  EXPECT_EQ(3u, resolver.query_tries);
  EXPECT_THAT(FaultsOf("{name: c, dns_failure_refresh_rate: {base_interval: 2s, max_interval: 1s}}"),
              HasSubstr("dns_failure_refresh_rate.max_interval: must not be below base_interval (is 1s"));
}

TEST(CompileClusterTest, BalancersByPolicyField) {
  using Policy = LoadBalancerConfig::Policy;
  EXPECT_EQ(Policy::kRandom, ClusterFromText("{name: c, lb_policy: RANDOM}")->balancer.policy);
  const LoadBalancerConfig least = ClusterFromText(R"(
name: c
lb_policy: LEAST_REQUEST
least_request_lb_config: {choice_count: 5, active_request_bias: {default_value: 0.5, runtime_key: k}}
common_lb_config: {healthy_panic_threshold: {value: 25}, locality_weighted_lb_config: {}}
)")->balancer;
  EXPECT_EQ((LoadBalancerConfig{Policy::kLeastRequest, 5, false, 0.5, true, 25.0}), least);
  EXPECT_THAT(FaultsOf("{name: c, lb_policy: LEAST_REQUEST, least_request_lb_config: "
                       "{active_request_bias: {default_value: -1, runtime_key: k}}}"),
              HasSubstr("least_request_lb_config.active_request_bias.default_value: must be 0 or more"));
}

TEST(CompileClusterTest, SettingsOfAnotherPolicyAreWarnedOf) {
  config::Faults faults;
  ASSERT_NE(nullptr, CompileText("{name: c, least_request_lb_config: {choice_count: 3}}", faults));
  ASSERT_EQ(1u, faults.warnings().size());
  EXPECT_EQ("least_request_lb_config", faults.warnings()[0].field_path);
}

TEST(CompileClusterTest, TheFirstKnownPolicyExtensionIsTaken) {
  const LoadBalancerConfig config = ClusterFromText(R"(
name: c
lb_policy: RANDOM
load_balancing_policy:
  policies:
  - typed_extension_config:
      name: least
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest
        choice_count: 3
        selection_method: FULL_SCAN
        locality_lb_config: {locality_weighted_lb_config: {}}
  - typed_extension_config:
      name: robin
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin
)")->balancer;
  EXPECT_EQ(LoadBalancerConfig::Policy::kLeastRequest, config.policy);
  EXPECT_EQ(3u, config.choice_count);
  EXPECT_TRUE(config.full_scan);
  EXPECT_TRUE(config.locality_weighted);
}

TEST(CompileClusterTest, PolicyExtensionsAreRefusedWhereTheyContradict) {
  EXPECT_THAT(FaultsOf("{name: c, lb_policy: LOAD_BALANCING_POLICY_CONFIG}"),
              HasSubstr("load_balancing_policy: must be set"));
  EXPECT_THAT(FaultsOf("{name: c, load_balancing_policy: {}}"), HasSubstr("load_balancing_policy.policies: must name"));
  const std::string both = FaultsOf(R"(
name: c
common_lb_config: {locality_weighted_lb_config: {}}
least_request_lb_config: {}
load_balancing_policy:
  policies:
    typed_extension_config:
      name: r
      typed_config: {"@type": type.googleapis.com/envoy.extensions.load_balancing_policies.random.v3.Random}
)");
  EXPECT_THAT(both, HasSubstr("common_lb_config.locality_weighted_lb_config: cannot be set together"));
  EXPECT_THAT(both, HasSubstr("least_request_lb_config: cannot be set together"));
}

TEST(CompileClusterTest, AnUnknownPolicyIsNamed) {
  envoy::config::cluster::v3::Cluster message;
  message.set_name("c");
  auto* extension = message.mutable_load_balancing_policy()->add_policies()->mutable_typed_extension_config();
  extension->set_name("x");
  extension->mutable_typed_config()->set_type_url("type.googleapis.com/envoy.extensions.other.v3.Other");
  config::Faults faults;
  EXPECT_EQ(nullptr, CompileCluster(message, config::DataSourceAccess::kRead, faults));
  EXPECT_THAT(faults.ToString(), HasSubstr("load_balancing_policy.policies: has no policy that this build has (has "
                                           "\"envoy.extensions.other.v3.Other\")"));
}

TEST(CompileClusterTest, CircuitBreakersByPriorityAndTheFirstCounts) {
  const auto config = ClusterFromText(R"(
name: c
circuit_breakers:
  thresholds:
  - {max_connections: 1, max_pending_requests: 2, max_requests: 3, max_retries: 4, track_remaining: true}
  - {priority: HIGH, max_requests: 0}
  - {max_connections: 99}
)");
  const CircuitBreakerThresholds& normal = config->thresholds(RoutingPriority::kDefault);
  EXPECT_EQ(1u, normal.max_connections);
  EXPECT_EQ(2u, normal.max_pending_requests);
  EXPECT_EQ(3u, normal.max_requests);
  EXPECT_EQ(4u, normal.max_retries);
  EXPECT_TRUE(normal.track_remaining);
  EXPECT_EQ(0u, config->thresholds(RoutingPriority::kHigh).max_requests);
  EXPECT_EQ(1024u, config->thresholds(RoutingPriority::kHigh).max_connections);
}

constexpr std::string_view kHttp2 = R"(
name: c
typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    common_http_protocol_options:
      {idle_timeout: 0s, max_connection_duration: 60s, max_stream_duration: 5s, max_requests_per_connection: 7,
       max_headers_count: 20, max_response_headers_kb: 8}
    explicit_http_config:
      http2_protocol_options:
        hpack_table_size: 0
        max_concurrent_streams: 10
        initial_stream_window_size: 65536
        initial_connection_window_size: 131072
        connection_keepalive: {interval: 10s, timeout: 2s, interval_jitter: {value: 5}, connection_idle_interval: 3s}
)";

TEST(CompileClusterTest, HttpOptionsAsAnExtension) {
  const auto config = ClusterFromText(kHttp2);
  EXPECT_EQ(UpstreamProtocol::kHttp2, config->protocol);
  EXPECT_EQ(Duration::zero(), config->http.idle_timeout);
  EXPECT_EQ(seconds(60), config->http.max_connection_duration);
  EXPECT_EQ(seconds(5), config->http.max_stream_duration);
  EXPECT_EQ(7u, config->http.max_requests_per_connection);
  EXPECT_EQ(20u, config->http.max_headers_count);
  EXPECT_EQ(8192u, config->http.max_response_headers_bytes);
  EXPECT_EQ(0u, config->http2->hpack_table_size);
  EXPECT_EQ(10u, config->http2->max_concurrent_streams);
  EXPECT_EQ(65536u, config->http2->initial_stream_window_size);
  EXPECT_EQ(131072u, config->http2->initial_connection_window_size);
  ASSERT_TRUE(config->http2->keepalive.has_value());
  EXPECT_EQ(seconds(10), config->http2->keepalive->interval);
  EXPECT_EQ(seconds(2), config->http2->keepalive->timeout);
  EXPECT_EQ(5.0, config->http2->keepalive->interval_jitter);
  EXPECT_EQ(seconds(3), config->http2->keepalive->connection_idle_interval);
}

TEST(CompileClusterTest, HttpOptionsInTheOlderFields) {
  const auto http1 = ClusterFromText(R"(
name: c
max_requests_per_connection: 9
common_http_protocol_options: {idle_timeout: 2s}
http_protocol_options: {enable_trailers: true, send_fully_qualified_url: true}
)");
  EXPECT_EQ(UpstreamProtocol::kHttp1, http1->protocol);
  EXPECT_EQ(9u, http1->http.max_requests_per_connection);
  EXPECT_EQ(seconds(2), http1->http.idle_timeout);
  EXPECT_TRUE(http1->http1.enable_trailers);
  EXPECT_TRUE(http1->http1.send_fully_qualified_url);
  EXPECT_EQ(UpstreamProtocol::kHttp2, ClusterFromText("{name: c, http2_protocol_options: {}}")->protocol);
}

TEST(CompileClusterTest, TheProtocolMayBeTheClients) {
  const auto older = ClusterFromText(R"(
name: c
protocol_selection: USE_DOWNSTREAM_PROTOCOL
http_protocol_options: {enable_trailers: true}
http2_protocol_options: {max_concurrent_streams: 7}
)");
  EXPECT_EQ(UpstreamProtocol::kDownstream, older->protocol);
  EXPECT_TRUE(older->http1.enable_trailers);
  EXPECT_EQ(7u, older->http2->max_concurrent_streams);

  const auto newer = ClusterFromText(R"(
name: c
typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    use_downstream_protocol_config:
      http_protocol_options: {enable_trailers: true}
      http2_protocol_options: {max_concurrent_streams: 7}
)");
  EXPECT_EQ(UpstreamProtocol::kDownstream, newer->protocol);
  EXPECT_TRUE(newer->http1.enable_trailers);
  EXPECT_EQ(7u, newer->http2->max_concurrent_streams);
}

TEST(CompileClusterTest, AProtocolByAlpnNeedsTls) {
  EXPECT_THAT(FaultsOf(R"(
name: c
typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    auto_config: {}
)"),
              HasSubstr("transport_socket: must be TLS"));
}

TEST(CompileClusterTest, TheTwoStylesOfHttpOptionsExcludeEachOther) {
  const std::string faults = FaultsOf(std::string(kHttp2) +
                                      "http2_protocol_options: {}\nmax_requests_per_connection: 1\n"
                                      "protocol_selection: USE_DOWNSTREAM_PROTOCOL\n"
                                      "upstream_http_protocol_options: {auto_sni: true}\n");
  EXPECT_THAT(faults, HasSubstr("\nprotocol_selection: cannot be set together"));
  EXPECT_THAT(faults, HasSubstr("\nupstream_http_protocol_options: cannot be set together"));
  EXPECT_THAT(faults, HasSubstr("\nhttp2_protocol_options: cannot be set together"));
  EXPECT_THAT(faults, HasSubstr("max_requests_per_connection: cannot be set together"));
}

TEST(CompileClusterTest, OtherProtocolExtensionsAreRefused) {
  EXPECT_THAT(FaultsOf(R"(
name: c
typed_extension_protocol_options:
  envoy.filters.network.thrift_proxy:
    "@type": type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer
)"),
              HasSubstr("typed_extension_protocol_options[\"envoy.filters.network.thrift_proxy\"]: is a key"));
}

TEST(CompileClusterTest, FieldsForClientConnectionsAreWarnedOf) {
  config::Faults faults;
  ASSERT_NE(nullptr, CompileText("{name: c, http_protocol_options: {accept_http_10: true}}", faults));
  ASSERT_EQ(1u, faults.warnings().size());
  EXPECT_EQ("http_protocol_options.accept_http_10", faults.warnings()[0].field_path);
}

TEST(CompileClusterTest, Connections) {
  const auto config = ClusterFromText(R"(
name: c
connect_timeout: 250ms
per_connection_buffer_limit_bytes: 4096
upstream_bind_config:
  source_address: {address: 127.0.0.2, port_value: 0}
  freebind: true
  socket_options: [{level: 6, name: 1, int_value: 1, description: d}, {level: 1, name: 25, buf_value: bG8=}]
upstream_connection_options: {tcp_keepalive: {keepalive_probes: 3, keepalive_time: 60, keepalive_interval: 10}}
common_lb_config: {close_connections_on_host_set_change: true}
transport_socket: {name: envoy.transport_sockets.raw_buffer}
metadata: {filter_metadata: {ns: {k: 1}}}
wait_for_warm_on_init: false
)");
  EXPECT_EQ(milliseconds(250), config->connect_timeout);
  EXPECT_EQ(4096u, config->per_connection_buffer_limit_bytes);
  ASSERT_TRUE(config->bind->has_value());
  EXPECT_EQ("127.0.0.2:0", (*config->bind)->source_address.ToString());
  EXPECT_TRUE((*config->bind)->freebind);
  ASSERT_EQ(2u, (*config->bind)->socket_options.size());
  EXPECT_EQ(6, (*config->bind)->socket_options[0].level);
  EXPECT_EQ(1, (*config->bind)->socket_options[0].int_value);
  EXPECT_EQ("lo", (*config->bind)->socket_options[1].bytes);
  ASSERT_TRUE(config->tcp_keepalive->has_value());
  EXPECT_EQ(3u, (*config->tcp_keepalive)->probes);
  EXPECT_EQ(seconds(60), (*config->tcp_keepalive)->time);
  EXPECT_EQ(seconds(10), (*config->tcp_keepalive)->interval);
  EXPECT_TRUE(config->close_connections_on_host_set_change);
  ASSERT_NE(nullptr, config->metadata);
  EXPECT_TRUE(config->metadata->namespaces.contains("ns"));
  EXPECT_FALSE(config->wait_for_warm_on_init);
}

TEST(CompileClusterTest, EveryFaultIsToldAtOnceWithItsPath) {
  const std::string faults = FaultsOf(R"(
name: c
type: LOGICAL_DNS
lb_policy: LOAD_BALANCING_POLICY_CONFIG
upstream_bind_config:
  source_address: {address: localhost, port_value: 0}
  socket_options: [{level: 99999999999, name: 1, int_value: 1}, {level: 1, name: 1, int_value: 1,
    state: STATE_LISTENING}]
transport_socket: {name: envoy.transport_sockets.tls}
)");
  EXPECT_THAT(faults, HasSubstr("load_assignment.endpoints: must hold exactly one"));
  EXPECT_THAT(faults, HasSubstr("load_balancing_policy: must be set"));
  EXPECT_THAT(faults,
              HasSubstr("upstream_bind_config.source_address.address: must be an IP address (is \"localhost\")"));
  EXPECT_THAT(faults, HasSubstr("upstream_bind_config.socket_options[0].level: must fit 32 bits"));
  EXPECT_THAT(faults, HasSubstr("upstream_bind_config.socket_options[1].state: must be STATE_PREBIND"));
  EXPECT_THAT(
      faults,
      HasSubstr("transport_socket.typed_config: required: the configuration of \"envoy.transport_sockets.tls\""));
}

TEST(ResourceTypesTest, CompileFromBytesAndTellTheName) {
  envoy::config::cluster::v3::Cluster cluster;
  cluster.set_name("c");
  config::Faults faults;
  std::string name;
  const auto good = ClusterResourceType().Compile(cluster.SerializeAsString(), name, faults);
  ASSERT_NE(nullptr, good);
  EXPECT_EQ("c", name);
  EXPECT_EQ("c", static_cast<const ClusterConfig&>(*good).name);

  cluster.mutable_connect_timeout()->set_seconds(-1);
  name.clear();
  EXPECT_EQ(nullptr, ClusterResourceType().Compile(cluster.SerializeAsString(), name, faults));
  EXPECT_EQ("c", name);
  EXPECT_THAT(faults.ToString(), HasSubstr("connect_timeout"));

  envoy::config::endpoint::v3::ClusterLoadAssignment assignment;
  assignment.set_cluster_name("e");
  config::Faults none;
  ASSERT_NE(nullptr, AssignmentResourceType().Compile(assignment.SerializeAsString(), name, none));
  EXPECT_EQ("e", name);
  config::Faults garbage;
  name.clear();
  EXPECT_EQ(nullptr, AssignmentResourceType().Compile("\xff\xff\xff", name, garbage));
  EXPECT_FALSE(garbage.empty());
}

}  // namespace
}  // namespace nuncio::upstream
