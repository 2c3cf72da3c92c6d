#pragma once

#include <string_view>

// The messages that configure extensions, by full name: what filter configs carry, and the registries go by.
namespace nuncio::extensions {

inline constexpr std::string_view kHttpConnectionManager =
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
inline constexpr std::string_view kSniCluster = "envoy.extensions.filters.network.sni_cluster.v3.SniCluster";
inline constexpr std::string_view kTcpProxy = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";

inline constexpr std::string_view kGrpcStats = "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig";
inline constexpr std::string_view kGrpcWeb = "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb";

inline constexpr std::string_view kOriginalDst = "envoy.extensions.filters.listener.original_dst.v3.OriginalDst";
inline constexpr std::string_view kTlsInspector = "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";

}  // namespace nuncio::extensions
