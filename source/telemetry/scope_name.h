#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"

namespace nuncio::telemetry {

// Names of the tags that are built in, as a configuration's `stats_tags` calls them. Prometheus shows them with
// underscores (`envoy_cluster_name`).
namespace tags {
inline constexpr std::string_view kClusterName = "envoy.cluster_name";
inline constexpr std::string_view kListenerAddress = "envoy.listener_address";
inline constexpr std::string_view kHttpConnManagerPrefix = "envoy.http_conn_manager_prefix";
inline constexpr std::string_view kRdsRouteConfig = "envoy.rds_route_config";
inline constexpr std::string_view kWorkerId = "envoy.worker_id";
inline constexpr std::string_view kResponseCode = "envoy.response_code";
inline constexpr std::string_view kResponseCodeClass = "envoy.response_code_class";
inline constexpr std::string_view kVirtualHost = "envoy.virtual_host";
inline constexpr std::string_view kVirtualCluster = "envoy.virtual_cluster";
inline constexpr std::string_view kRoute = "envoy.route";
inline constexpr std::string_view kTcpPrefix = "envoy.tcp_prefix";
inline constexpr std::string_view kTlsCertificate = "envoy.tls_certificate";
inline constexpr std::string_view kXdsResourceName = "envoy.xds_resource_name";
inline constexpr std::string_view kGrpcService = "envoy.grpc_bridge_service";
inline constexpr std::string_view kGrpcMethod = "envoy.grpc_bridge_method";
inline constexpr std::string_view kUserAgent = "envoy.http_user_agent";
}  // namespace tags

// A name as it may stand in the name of a statistic: ':' and control characters turned into '_' ("://" and ":/" into
// one).
std::string SanitizeStatName(std::string_view name);

// The common part of the names of a scope's statistics (`cluster.backend.`) and which parts of it are values of tags.
class ScopeName {
 public:
  // A part of the text that is the value of a tag. [begin, end) is left out of the name when the tag is taken out.
  struct TagSpan {
    std::string_view tag;
    uint32_t value_begin;
    uint32_t value_end;
    uint32_t begin;
    uint32_t end;
  };

  // The scope of statistics without a prefix.
  ScopeName() = default;
  // Appends one or several fixed parts ("cluster", "circuit_breakers.default").
  ScopeName& Add(std::string_view text);
  // Appends a part that is the value of `tag`, one of the constants above. Its text is sanitised.
  ScopeName& AddTagged(std::string_view value, std::string_view tag);
  // Appends "worker_<index>".
  ScopeName& AddWorker(uint32_t index);

  // With a dot at the end, unless empty.
  const std::string& text() const { return text_; }
  std::span<const TagSpan> spans() const { return spans_; }

 private:
  std::string text_;
  // In general there is one.
  absl::InlinedVector<TagSpan, 1> spans_;
};

// The scopes that Envoy's users know, by what they are about.
ScopeName ServerScopeName();
ScopeName ClusterScopeName(std::string_view cluster);
// `address`: the listener's stat_prefix, or else its address ("0.0.0.0:8080").
ScopeName ListenerScopeName(std::string_view address);
ScopeName ListenerWorkerScopeName(std::string_view address, uint32_t worker);
// `stat_prefix`: of an HTTP connection manager.
ScopeName HttpScopeName(std::string_view stat_prefix);
ScopeName ListenerHttpScopeName(std::string_view address, std::string_view stat_prefix);
ScopeName RdsScopeName(std::string_view stat_prefix, std::string_view route_config);
// A secret by discovery or of the bootstrap.
ScopeName SecretScopeName(std::string_view secret);
// A certificate of a listener or cluster, whose scope is `owner`.
ScopeName CertificateScopeName(ScopeName owner, std::string_view certificate);

}  // namespace nuncio::telemetry
