#include "source/upstream/http_protocol_compiler.h"

#include <string_view>

#include "envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case.pb.h"
#include "envoy/extensions/upstreams/http/v3/http_protocol_options.pb.h"
#include "source/base/strings.h"
#include "source/config/converters.h"
#include "source/config/message_types.h"
#include "source/config/typed_config.h"
#include "source/http/h2/options_compiler.h"

namespace nuncio::upstream {
namespace {

namespace cluster_v3 = envoy::config::cluster::v3;
namespace core = envoy::config::core::v3;
namespace http_v3 = envoy::extensions::upstreams::http::v3;

constexpr std::string_view kHttpOptionsKey = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
constexpr std::string_view kClientsOnly = "has no effect here: it is for connections from clients";

UpstreamCommonHttpOptions CompileCommon(const core::HttpProtocolOptions& from, config::Faults& faults) {
  UpstreamCommonHttpOptions out;
  out.idle_timeout = config::DurationField(from.has_idle_timeout(), from.idle_timeout(), "idle_timeout",
                                           out.idle_timeout, faults);
  out.max_connection_duration =
      config::DurationField(from.has_max_connection_duration(), from.max_connection_duration(),
                            "max_connection_duration", out.max_connection_duration, faults);
  out.max_stream_duration = config::DurationField(from.has_max_stream_duration(), from.max_stream_duration(),
                                                  "max_stream_duration", out.max_stream_duration, faults);
  out.max_requests_per_connection = from.max_requests_per_connection().value();
  if (from.has_max_headers_count()) out.max_headers_count = from.max_headers_count().value();
  if (from.has_max_response_headers_kb()) {
    out.max_response_headers_bytes = from.max_response_headers_kb().value() * 1024;
  }
  if (from.headers_with_underscores_action() != core::HttpProtocolOptions::ALLOW) {
    const config::Faults::Scope scope(faults, "headers_with_underscores_action");
    faults.Warn(kClientsOnly);
  }
  return out;
}

void WarnOfClientFields(const core::Http1ProtocolOptions& from, config::Faults& faults) {
  const auto warn = [&faults](bool is_set, std::string_view field) {
    if (!is_set) return;
    const config::Faults::Scope scope(faults, field);
    faults.Warn(kClientsOnly);
  };
  warn(from.has_allow_absolute_url(), "allow_absolute_url");
  warn(from.accept_http_10(), "accept_http_10");
  warn(!from.default_host_for_http_10().empty(), "default_host_for_http_10");
}

UpstreamHttp1Options CompileHttp1(const core::Http1ProtocolOptions& from, config::Faults& faults) {
  UpstreamHttp1Options out;
  out.enable_trailers = from.enable_trailers();
  out.send_fully_qualified_url = from.send_fully_qualified_url();
  WarnOfClientFields(from, faults);
  if (from.has_header_key_format()) {
    // Names keep their case in any case; the formatter that asks for it is the only one.
    const config::Faults::Scope scope(faults, "header_key_format.stateful_formatter.typed_config");
    envoy::extensions::http::header_formatters::preserve_case::v3::PreserveCaseFormatterConfig formatter;
    config::UnpackAndCheck(from.header_key_format().stateful_formatter().typed_config(), &formatter, faults);
  }
  return out;
}

UpstreamTlsNames CompileTlsNames(const core::UpstreamHttpProtocolOptions& from) {
  return {from.auto_sni(), from.auto_san_validation(), AsciiToLower(from.override_auto_sni_header())};
}

// `from`: a message with settings of both protocols.
template <typename Message>
void CompileBoth(const Message& from, ClusterConfig& out, config::Faults& faults) {
  {
    const config::Faults::Scope scope(faults, "http_protocol_options");
    out.http1 = CompileHttp1(from.http_protocol_options(), faults);
  }
  if (!from.has_http2_protocol_options()) return;
  const config::Faults::Scope scope(faults, "http2_protocol_options");
  out.http2 = http::h2::CompileHttp2Options(from.http2_protocol_options(), faults);
}

void CompileExplicit(const http_v3::HttpProtocolOptions::ExplicitHttpConfig& from, ClusterConfig& out,
                     config::Faults& faults) {
  if (from.has_http2_protocol_options()) {
    const config::Faults::Scope scope(faults, "http2_protocol_options");
    out.protocol = UpstreamProtocol::kHttp2;
    out.http2 = http::h2::CompileHttp2Options(from.http2_protocol_options(), faults);
    return;
  }
  const config::Faults::Scope scope(faults, "http_protocol_options");
  out.http1 = CompileHttp1(from.http_protocol_options(), faults);
}

void CompileHttpOptions(const http_v3::HttpProtocolOptions& from, ClusterConfig& out, config::Faults& faults) {
  {
    const config::Faults::Scope scope(faults, "common_http_protocol_options");
    out.http = CompileCommon(from.common_http_protocol_options(), faults);
  }
  if (from.has_upstream_http_protocol_options()) out.tls_names = CompileTlsNames(from.upstream_http_protocol_options());
  if (from.has_use_downstream_protocol_config()) {
    const config::Faults::Scope scope(faults, "use_downstream_protocol_config");
    out.protocol = UpstreamProtocol::kDownstream;
    CompileBoth(from.use_downstream_protocol_config(), out, faults);
  } else if (from.has_auto_config()) {
    const config::Faults::Scope scope(faults, "auto_config");
    out.protocol = UpstreamProtocol::kAlpn;
    CompileBoth(from.auto_config(), out, faults);
  } else {
    const config::Faults::Scope scope(faults, "explicit_http_config");
    CompileExplicit(from.explicit_http_config(), out, faults);
  }
}

void CompileOlderFields(const cluster_v3::Cluster& cluster, ClusterConfig& out, config::Faults& faults) {
  {
    const config::Faults::Scope scope(faults, "common_http_protocol_options");
    out.http = CompileCommon(cluster.common_http_protocol_options(), faults);
  }
  if (cluster.has_max_requests_per_connection()) {
    if (cluster.common_http_protocol_options().has_max_requests_per_connection()) {
      faults.Add("max_requests_per_connection",
                 "cannot be set together with common_http_protocol_options.max_requests_per_connection");
    }
    out.http.max_requests_per_connection = cluster.max_requests_per_connection().value();
  }
  if (cluster.has_upstream_http_protocol_options()) {
    out.tls_names = CompileTlsNames(cluster.upstream_http_protocol_options());
  }
  CompileBoth(cluster, out, faults);
  if (cluster.protocol_selection() == cluster_v3::Cluster::USE_DOWNSTREAM_PROTOCOL) {
    out.protocol = UpstreamProtocol::kDownstream;
    return;
  }
  if (!cluster.has_http2_protocol_options()) return;
  out.protocol = UpstreamProtocol::kHttp2;
  if (!cluster.has_http_protocol_options()) return;
  const config::Faults::Scope scope(faults, "http_protocol_options");
  faults.Warn("has no effect: http2_protocol_options is set as well, so HTTP/2 is spoken");
}

void RefuseOlderFields(const cluster_v3::Cluster& cluster, config::Faults& faults) {
  const auto refuse = [&faults](bool is_set, std::string_view field) {
    if (is_set) {
      faults.Add(field, StrCat("cannot be set together with typed_extension_protocol_options[",
                               config::Quote(kHttpOptionsKey), "], which takes its place"));
    }
  };
  refuse(cluster.has_max_requests_per_connection(), "max_requests_per_connection");
  refuse(cluster.has_common_http_protocol_options(), "common_http_protocol_options");
  refuse(cluster.has_http_protocol_options(), "http_protocol_options");
  refuse(cluster.has_http2_protocol_options(), "http2_protocol_options");
  refuse(cluster.has_upstream_http_protocol_options(), "upstream_http_protocol_options");
  refuse(cluster.protocol_selection() != cluster_v3::Cluster::USE_CONFIGURED_PROTOCOL, "protocol_selection");
}

}  // namespace

void CompileHttpProtocol(const cluster_v3::Cluster& cluster, ClusterConfig& out, config::Faults& faults) {
  for (const auto& [key, any] : cluster.typed_extension_protocol_options()) {
    const config::Faults::Scope scope(faults, "typed_extension_protocol_options", std::string_view(key));
    if (key != kHttpOptionsKey) {
      faults.Add(StrCat("is a key that this build does not have; there is ", config::Quote(kHttpOptionsKey)));
      continue;
    }
    http_v3::HttpProtocolOptions options;
    if (config::UnpackAndCheck(any, &options, faults)) CompileHttpOptions(options, out, faults);
  }
  if (cluster.typed_extension_protocol_options().contains(std::string(kHttpOptionsKey))) {
    RefuseOlderFields(cluster, faults);
    return;
  }
  CompileOlderFields(cluster, out, faults);
}

}  // namespace nuncio::upstream
