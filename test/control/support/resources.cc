#include "test/control/support/resources.h"

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/extensions/filters/http/router/v3/router.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "source/control/model/resource_checker.h"

namespace nuncio::control::test {
namespace {

using ::envoy::config::cluster::v3::Cluster;
using ::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
using ::envoy::config::listener::v3::Listener;
using ::envoy::extensions::transport_sockets::tls::v3::DownstreamTlsContext;
using ::envoy::extensions::transport_sockets::tls::v3::Secret;
using ::envoy::extensions::transport_sockets::tls::v3::UpstreamTlsContext;
using ::google::protobuf::Any;

Any Pack(const google::protobuf::Message& message) {
  Any any;
  any.PackFrom(message);
  return any;
}

Cluster BaseCluster(const std::string& name, double connect_timeout_seconds) {
  Cluster cluster;
  cluster.set_name(name);
  const auto nanos = static_cast<int64_t>(connect_timeout_seconds * 1e9);
  cluster.mutable_connect_timeout()->set_seconds(nanos / 1'000'000'000);
  cluster.mutable_connect_timeout()->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
  return cluster;
}

HttpConnectionManager RdsManager(const std::string& route_config) {
  HttpConnectionManager manager;
  manager.set_stat_prefix("test");
  manager.mutable_rds()->set_route_config_name(route_config);
  manager.mutable_rds()->mutable_config_source()->mutable_ads();
  auto* router = manager.add_http_filters();
  router->set_name("envoy.filters.http.router");
  router->mutable_typed_config()->PackFrom(::envoy::extensions::filters::http::router::v3::Router());
  return manager;
}

Listener BaseListener(const std::string& name, int port, const std::string& route_config) {
  Listener listener;
  listener.set_name(name);
  auto* address = listener.mutable_address()->mutable_socket_address();
  address->set_address("127.0.0.1");
  address->set_port_value(static_cast<uint32_t>(port));
  auto* filter = listener.add_filter_chains()->add_filters();
  filter->set_name("envoy.filters.network.http_connection_manager");
  filter->mutable_typed_config()->PackFrom(RdsManager(route_config));
  return listener;
}

Cluster BaseEdsCluster(const std::string& name, double connect_timeout_seconds) {
  Cluster cluster = BaseCluster(name, connect_timeout_seconds);
  cluster.set_type(Cluster::EDS);
  cluster.mutable_eds_cluster_config()->mutable_eds_config()->mutable_ads();
  return cluster;
}

}  // namespace

Any StaticCluster(const std::string& name, double connect_timeout_seconds) {
  Cluster cluster = BaseCluster(name, connect_timeout_seconds);
  cluster.set_type(Cluster::STATIC);
  cluster.mutable_load_assignment()->set_cluster_name(name);
  return Pack(cluster);
}

Any EdsCluster(const std::string& name, double connect_timeout_seconds) {
  return Pack(BaseEdsCluster(name, connect_timeout_seconds));
}

Any Endpoints(const std::string& name, int port) {
  ::envoy::config::endpoint::v3::ClusterLoadAssignment assignment;
  assignment.set_cluster_name(name);
  auto* locality = assignment.add_endpoints();
  // gRPC's client leaves out localities without weight.
  locality->mutable_load_balancing_weight()->set_value(1);
  locality->mutable_locality()->set_region("test");
  auto* address = locality->add_lb_endpoints()->mutable_endpoint()->mutable_address()->mutable_socket_address();
  address->set_address("127.0.0.1");
  address->set_port_value(static_cast<uint32_t>(port));
  return Pack(assignment);
}

Any Routes(const std::string& name, const std::string& cluster) {
  ::envoy::config::route::v3::RouteConfiguration routes;
  routes.set_name(name);
  auto* host = routes.add_virtual_hosts();
  host->set_name("all");
  host->add_domains("*");
  auto* route = host->add_routes();
  route->mutable_match()->set_prefix("");
  route->mutable_route()->set_cluster(cluster);
  return Pack(routes);
}

Any RdsListener(const std::string& name, int port, const std::string& route_config) {
  return Pack(BaseListener(name, port, route_config));
}

Any ApiListener(const std::string& name, const std::string& route_config) {
  Listener listener;
  listener.set_name(name);
  listener.mutable_api_listener()->mutable_api_listener()->PackFrom(RdsManager(route_config));
  return Pack(listener);
}

Any RootsSecret(const std::string& name, const std::string& path) {
  Secret secret;
  secret.set_name(name);
  secret.mutable_validation_context()->mutable_trusted_ca()->set_filename(path);
  return Pack(secret);
}

Any TlsCluster(const std::string& name, const std::string& roots) {
  Cluster cluster = BaseEdsCluster(name, 1);
  UpstreamTlsContext tls;
  auto* secret = tls.mutable_common_tls_context()->mutable_validation_context_sds_secret_config();
  secret->set_name(roots);
  secret->mutable_sds_config()->mutable_ads();
  cluster.mutable_transport_socket()->set_name("envoy.transport_sockets.tls");
  cluster.mutable_transport_socket()->mutable_typed_config()->PackFrom(tls);
  return Pack(cluster);
}

Any TlsListener(const std::string& name, int port, const std::string& route_config, const std::string& pair,
                bool of_bootstrap) {
  Listener listener = BaseListener(name, port, route_config);
  DownstreamTlsContext tls;
  auto* secret = tls.mutable_common_tls_context()->add_tls_certificate_sds_secret_configs();
  secret->set_name(pair);
  if (!of_bootstrap) secret->mutable_sds_config()->mutable_ads();
  auto* socket = listener.mutable_filter_chains(0)->mutable_transport_socket();
  socket->set_name("envoy.transport_sockets.tls");
  socket->mutable_typed_config()->PackFrom(tls);
  return Pack(listener);
}

Any ListenerWithKey(const std::string& name, const std::string& key) {
  Listener listener = BaseListener(name, 80, "r");
  DownstreamTlsContext tls;
  tls.mutable_common_tls_context()->add_tls_certificates()->mutable_private_key()->set_inline_string(key);
  auto* socket = listener.mutable_filter_chains(0)->mutable_transport_socket();
  socket->set_name("envoy.transport_sockets.tls");
  socket->mutable_typed_config()->PackFrom(tls);
  return Pack(listener);
}

std::vector<PushedResource> Pushed(const std::vector<Any>& resources) {
  std::vector<PushedResource> pushed;
  for (const Any& resource : resources) pushed.push_back({"", resource});
  return pushed;
}

ResourcePtr MakeResource(const Any& any) {
  ResourceFaults faults(false);
  return CheckResource("", any, std::nullopt, faults);
}

}  // namespace nuncio::control::test
