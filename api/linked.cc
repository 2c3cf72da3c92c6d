#include "api/linked.h"

#include "envoy/admin/v3/certs.pb.h"
#include "envoy/admin/v3/clusters.pb.h"
#include "envoy/admin/v3/config_dump.pb.h"
#include "envoy/admin/v3/config_dump_shared.pb.h"
#include "envoy/admin/v3/listeners.pb.h"
#include "envoy/admin/v3/metrics.pb.h"
#include "envoy/admin/v3/server_info.pb.h"
#include "envoy/config/accesslog/v3/accesslog.pb.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "envoy/config/cluster/v3/circuit_breaker.pb.h"
#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/core/v3/address.pb.h"
#include "envoy/config/core/v3/base.pb.h"
#include "envoy/config/core/v3/config_source.pb.h"
#include "envoy/config/core/v3/extension.pb.h"
#include "envoy/config/core/v3/grpc_method_list.pb.h"
#include "envoy/config/core/v3/grpc_service.pb.h"
#include "envoy/config/core/v3/health_check.pb.h"
#include "envoy/config/core/v3/protocol.pb.h"
#include "envoy/config/core/v3/resolver.pb.h"
#include "envoy/config/core/v3/socket_option.pb.h"
#include "envoy/config/core/v3/substitution_format_string.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/endpoint/v3/endpoint_components.pb.h"
#include "envoy/config/listener/v3/api_listener.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/listener/v3/listener_components.pb.h"
#include "envoy/config/metrics/v3/stats.pb.h"
#include "envoy/config/overload/v3/overload.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/config/route/v3/route_components.pb.h"
#include "envoy/extensions/access_loggers/file/v3/file.pb.h"
#include "envoy/extensions/access_loggers/stream/v3/stream.pb.h"
#include "envoy/extensions/filters/http/grpc_stats/v3/config.pb.h"
#include "envoy/extensions/filters/http/grpc_web/v3/grpc_web.pb.h"
#include "envoy/extensions/filters/http/router/v3/router.pb.h"
#include "envoy/extensions/filters/listener/original_dst/v3/original_dst.pb.h"
#include "envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.pb.h"
#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "envoy/extensions/filters/network/sni_cluster/v3/sni_cluster.pb.h"
#include "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.pb.h"
#include "envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case.pb.h"
#include "envoy/extensions/load_balancing_policies/common/v3/common.pb.h"
#include "envoy/extensions/load_balancing_policies/least_request/v3/least_request.pb.h"
#include "envoy/extensions/load_balancing_policies/random/v3/random.pb.h"
#include "envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.pb.h"
#include "envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver.pb.h"
#include "envoy/extensions/regex_engines/v3/google_re2.pb.h"
#include "envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections.pb.h"
#include "envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/common.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/tls.pb.h"
#include "envoy/extensions/upstreams/http/v3/http_protocol_options.pb.h"
#include "envoy/service/cluster/v3/cds.pb.h"
#include "envoy/service/discovery/v3/ads.pb.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "envoy/service/endpoint/v3/eds.pb.h"
#include "envoy/service/listener/v3/lds.pb.h"
#include "envoy/service/route/v3/rds.pb.h"
#include "envoy/service/secret/v3/sds.pb.h"
#include "envoy/type/matcher/v3/regex.pb.h"
#include "envoy/type/matcher/v3/string.pb.h"
#include "envoy/type/v3/percent.pb.h"
#include "envoy/type/v3/range.pb.h"
#include "envoy/type/v3/semantic_version.pb.h"
#include "google/rpc/status.pb.h"

namespace nuncio::api {

// One message of each file is enough: a file's messages are one object file and one registration.
void LinkAllMessages() {
  [[maybe_unused]] const void* volatile kept;
  kept = ::envoy::admin::v3::Certificates::descriptor();
  kept = ::envoy::admin::v3::Clusters::descriptor();
  kept = ::envoy::admin::v3::ConfigDump::descriptor();
  kept = ::envoy::admin::v3::UpdateFailureState::descriptor();
  kept = ::envoy::admin::v3::Listeners::descriptor();
  kept = ::envoy::admin::v3::SimpleMetric::descriptor();
  kept = ::envoy::admin::v3::ServerInfo::descriptor();
  kept = ::envoy::config::accesslog::v3::AccessLog::descriptor();
  kept = ::envoy::config::bootstrap::v3::Bootstrap::descriptor();
  kept = ::envoy::config::cluster::v3::CircuitBreakers::descriptor();
  kept = ::envoy::config::cluster::v3::Cluster::descriptor();
  kept = ::envoy::config::core::v3::Pipe::descriptor();
  kept = ::envoy::config::core::v3::Locality::descriptor();
  kept = ::envoy::config::core::v3::ApiConfigSource::descriptor();
  kept = ::envoy::config::core::v3::TypedExtensionConfig::descriptor();
  kept = ::envoy::config::core::v3::GrpcMethodList::descriptor();
  kept = ::envoy::config::core::v3::GrpcService::descriptor();
  kept = ::envoy::config::core::v3::HttpProtocolOptions::descriptor();
  kept = ::envoy::config::core::v3::DnsResolverOptions::descriptor();
  kept = ::envoy::config::core::v3::SocketOption::descriptor();
  kept = ::envoy::config::core::v3::JsonFormatOptions::descriptor();
  kept = ::envoy::config::core::v3::HealthStatus_descriptor();
  kept = ::envoy::config::endpoint::v3::ClusterLoadAssignment::descriptor();
  kept = ::envoy::config::endpoint::v3::Endpoint::descriptor();
  kept = ::envoy::config::listener::v3::ApiListener::descriptor();
  kept = ::envoy::config::listener::v3::AdditionalAddress::descriptor();
  kept = ::envoy::config::listener::v3::Filter::descriptor();
  kept = ::envoy::config::metrics::v3::StatsConfig::descriptor();
  kept = ::envoy::config::overload::v3::ResourceMonitor::descriptor();
  kept = ::envoy::config::route::v3::RouteConfiguration::descriptor();
  kept = ::envoy::config::route::v3::VirtualHost::descriptor();
  kept = ::envoy::extensions::access_loggers::file::v3::FileAccessLog::descriptor();
  kept = ::envoy::extensions::access_loggers::stream::v3::StdoutAccessLog::descriptor();
  kept = ::envoy::extensions::filters::http::grpc_stats::v3::FilterConfig::descriptor();
  kept = ::envoy::extensions::filters::http::grpc_web::v3::GrpcWeb::descriptor();
  kept = ::envoy::extensions::filters::http::router::v3::Router::descriptor();
  kept = ::envoy::extensions::filters::listener::original_dst::v3::OriginalDst::descriptor();
  kept = ::envoy::extensions::filters::listener::tls_inspector::v3::TlsInspector::descriptor();
  kept = ::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager::descriptor();
  kept = ::envoy::extensions::filters::network::sni_cluster::v3::SniCluster::descriptor();
  kept = ::envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy::descriptor();
  kept = ::envoy::extensions::http::header_formatters::preserve_case::v3::PreserveCaseFormatterConfig::descriptor();
  kept = ::envoy::extensions::load_balancing_policies::common::v3::LocalityLbConfig::descriptor();
  kept = ::envoy::extensions::load_balancing_policies::least_request::v3::LeastRequest::descriptor();
  kept = ::envoy::extensions::load_balancing_policies::random::v3::Random::descriptor();
  kept = ::envoy::extensions::load_balancing_policies::round_robin::v3::RoundRobin::descriptor();
  kept = ::envoy::extensions::network::dns_resolver::cares::v3::CaresDnsResolverConfig::descriptor();
  kept = ::envoy::extensions::regex_engines::v3::GoogleRE2::descriptor();
  kept = ::envoy::extensions::resource_monitors::downstream_connections::v3::DownstreamConnectionsConfig::descriptor();
  kept = ::envoy::extensions::transport_sockets::raw_buffer::v3::RawBuffer::descriptor();
  kept = ::envoy::extensions::transport_sockets::tls::v3::TlsParameters::descriptor();
  kept = ::envoy::extensions::transport_sockets::tls::v3::Secret::descriptor();
  kept = ::envoy::extensions::transport_sockets::tls::v3::CommonTlsContext::descriptor();
  kept = ::envoy::extensions::upstreams::http::v3::HttpProtocolOptions::descriptor();
  kept = ::envoy::service::discovery::v3::DiscoveryRequest::descriptor();
  kept = ::envoy::type::matcher::v3::RegexMatcher::descriptor();
  kept = ::envoy::type::matcher::v3::StringMatcher::descriptor();
  kept = ::envoy::type::v3::Percent::descriptor();
  kept = ::envoy::type::v3::Int64Range::descriptor();
  kept = ::envoy::type::v3::SemanticVersion::descriptor();
  kept = ::google::rpc::Status::descriptor();

  // These files hold a service and nothing else that could be named.
  kept = &::descriptor_table_envoy_2fservice_2fcluster_2fv3_2fcds_2eproto;
  kept = &::descriptor_table_envoy_2fservice_2fdiscovery_2fv3_2fads_2eproto;
  kept = &::descriptor_table_envoy_2fservice_2fendpoint_2fv3_2feds_2eproto;
  kept = &::descriptor_table_envoy_2fservice_2flistener_2fv3_2flds_2eproto;
  kept = &::descriptor_table_envoy_2fservice_2froute_2fv3_2frds_2eproto;
  kept = &::descriptor_table_envoy_2fservice_2fsecret_2fv3_2fsds_2eproto;
}

}  // namespace nuncio::api
