#include "source/proxy/config.h"

#include <string>
#include <utility>

#include "envoy/extensions/filters/http/router/v3/router.pb.h"
#include "envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case.pb.h"
#include "source/access_log/config.h"
#include "source/access_log/value_templates.h"
#include "source/base/strings.h"
#include "source/config/config_source_reader.h"
#include "source/config/converters.h"
#include "source/config/message_types.h"
#include "source/config/typed_config.h"
#include "source/http/h2/options_compiler.h"

namespace nuncio::proxy {
namespace {

using config::DurationField;
using config::Faults;
using envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
using HcmFilter = envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter;
using envoy::config::core::v3::HttpProtocolOptions;

constexpr Duration kNone{};

void ReadCommonOptions(const HttpProtocolOptions& message, ConnectionManagerConfig& out, Faults& faults) {
  Faults::Scope scope(faults, "common_http_protocol_options");
  out.idle_timeout = DurationField(message.has_idle_timeout(), message.idle_timeout(), "idle_timeout",
                                   out.idle_timeout, faults);
  out.max_connection_duration = DurationField(message.has_max_connection_duration(), message.max_connection_duration(),
                                              "max_connection_duration", kNone, faults);
  out.max_stream_duration = DurationField(message.has_max_stream_duration(), message.max_stream_duration(),
                                          "max_stream_duration", kNone, faults);
  if (message.has_max_headers_count()) out.http1.max_headers = message.max_headers_count().value();
  out.max_requests_per_connection = message.max_requests_per_connection().value();
  if (message.has_max_response_headers_kb()) {
    faults.Add("max_response_headers_kb", "applies to upstream clusters, not to a connection manager");
  }
  out.underscores = static_cast<ConnectionManagerConfig::Underscores>(message.headers_with_underscores_action());
}

void ReadHttp1Options(const envoy::config::core::v3::Http1ProtocolOptions& message, ConnectionManagerConfig& out,
                      Faults& faults) {
  Faults::Scope scope(faults, "http_protocol_options");
  http::h1::H1Options& http1 = out.http1;
  if (message.has_allow_absolute_url()) http1.allow_absolute_url = message.allow_absolute_url().value();
  http1.accept_http_10 = message.accept_http_10();
  http1.default_host_for_http_10 = message.default_host_for_http_10();
  if (!http1.default_host_for_http_10.empty() && !http1.accept_http_10) {
    faults.Add("default_host_for_http_10", "has an effect only with accept_http_10: true");
  }
  http1.enable_trailers = message.enable_trailers();
  if (message.send_fully_qualified_url()) {
    faults.Add("send_fully_qualified_url", "applies to upstream clusters, not to a connection manager");
  }
  if (message.has_header_key_format()) {
    Faults::Scope format(faults, "header_key_format");
    Faults::Scope formatter(faults, "stateful_formatter");
    Faults::Scope typed(faults, "typed_config");
    envoy::extensions::http::header_formatters::preserve_case::v3::PreserveCaseFormatterConfig preserve;
    config::UnpackAndCheck(message.header_key_format().stateful_formatter().typed_config(), &preserve, faults);
  }
}

// The limits of a head are the same for both protocols.
void ReadHttp2Options(const HttpConnectionManager& message, ConnectionManagerConfig& out, Faults& faults) {
  Faults::Scope scope(faults, "http2_protocol_options");
  out.http2 = http::h2::CompileHttp2Options(message.http2_protocol_options(), faults);
  out.http2.max_header_bytes = out.http1.max_head_bytes;
  out.http2.max_header_count = out.http1.max_headers;
}

void ReadUpgrades(const HttpConnectionManager& message, ConnectionManagerConfig& out, Faults& faults) {
  for (int i = 0; i < message.upgrade_configs_size(); ++i) {
    const HttpConnectionManager::UpgradeConfig& from = message.upgrade_configs(i);
    Faults::Scope scope(faults, "upgrade_configs", static_cast<size_t>(i));
    if (from.upgrade_type().empty()) faults.Add("upgrade_type", "required: the protocol, such as websocket");
    for (const route::UpgradeRule& other : out.upgrades) {
      if (EqualsIgnoreCase(other.type, from.upgrade_type())) {
        faults.Add("upgrade_type", StrCat("is there twice (", config::Quote(from.upgrade_type()), ")"));
      }
    }
    out.upgrades.push_back({from.upgrade_type(), !from.has_enabled() || from.enabled().value(), false});
  }
}

ConnectionManagerConfig::Codec ReadCodec(HttpConnectionManager::CodecType type) {
  switch (type) {
    case HttpConnectionManager::HTTP1:
      return ConnectionManagerConfig::Codec::kHttp1;
    case HttpConnectionManager::HTTP2:
      return ConnectionManagerConfig::Codec::kHttp2;
    default:
      return ConnectionManagerConfig::Codec::kAuto;
  }
}

void ReadInternalAddresses(const HttpConnectionManager::InternalAddressConfig& message, ConnectionManagerConfig& out,
                           Faults& faults) {
  Faults::Scope scope(faults, "internal_address_config");
  out.unix_sockets_internal = message.unix_sockets();
  for (int i = 0; i < message.cidr_ranges_size(); ++i) {
    Faults::Scope range(faults, "cidr_ranges", static_cast<size_t>(i));
    auto cidr = net::CidrRange::Create(message.cidr_ranges(i).address_prefix(),
                                       message.cidr_ranges(i).prefix_len().value());
    if (cidr.ok()) {
      out.internal_ranges.push_back(*cidr);
    } else {
      faults.Add(ToStd(cidr.status().message()));
    }
  }
}

void ReadTimeouts(const HttpConnectionManager& message, ConnectionManagerConfig& out, Faults& faults) {
  out.request_headers_timeout =
      DurationField(message.has_request_headers_timeout(), message.request_headers_timeout(),
                    "request_headers_timeout", out.request_headers_timeout, faults);
  out.request_timeout =
      DurationField(message.has_request_timeout(), message.request_timeout(), "request_timeout", kNone, faults);
  out.stream_idle_timeout = DurationField(message.has_stream_idle_timeout(), message.stream_idle_timeout(),
                                          "stream_idle_timeout", out.stream_idle_timeout, faults);
  out.delayed_close_timeout = DurationField(message.has_delayed_close_timeout(), message.delayed_close_timeout(),
                                            "delayed_close_timeout", out.delayed_close_timeout, faults);
  out.drain_timeout =
      DurationField(message.has_drain_timeout(), message.drain_timeout(), "drain_timeout", out.drain_timeout, faults);
  out.safe_max_connection_duration = message.http1_safe_max_connection_duration();
}

void ReadRouter(const HcmFilter& filter, RouterConfig& out, Faults& faults) {
  envoy::extensions::filters::http::router::v3::Router router;
  Faults::Scope typed(faults, "typed_config");
  if (!config::UnpackAndCheck(filter.typed_config(), &router, faults)) return;
  out.dynamic_stats = !router.has_dynamic_stats() || router.dynamic_stats().value();
  out.suppress_envoy_headers = router.suppress_envoy_headers();
  out.respect_expected_rq_timeout = router.respect_expected_rq_timeout();
  out.strict_check_headers.assign(router.strict_check_headers().begin(), router.strict_check_headers().end());
}

std::string KnownFilters(const filter::HttpFilterTypes& types) {
  std::string names;
  for (const filter::HttpFilterType& type : types.all()) StrAppend(names, type.name, ", ");
  return names + "envoy.filters.http.router";
}

// A filter before the router.
void ReadFilter(const HcmFilter& filter, const filter::HttpFilterTypes& types, ConnectionManagerConfig& out,
                Faults& faults) {
  const filter::HttpFilterType* type = types.Find(config::TypeName(filter.typed_config().type_url()));
  Faults::Scope typed(faults, "typed_config");
  if (type == nullptr) {
    if (filter.is_optional()) return;
    faults.Add(StrCat("HTTP filter ", config::Quote(filter.name()), " of type ",
                      config::Quote(filter.typed_config().type_url()), " is not part of this build; known: ",
                      KnownFilters(types)));
    return;
  }
  filter::HttpFilterEntry entry{filter.name(), type->type, filter.disabled(),
                                type->compile(filter.typed_config(), faults)};
  if (entry.config != nullptr) out.filters.push_back(std::move(entry));
}

void ReadFilters(const HttpConnectionManager& message, const filter::HttpFilterTypes& types,
                 ConnectionManagerConfig& out, Faults& faults) {
  using envoy::extensions::filters::http::router::v3::Router;
  if (message.http_filters_size() == 0) {
    faults.Add("http_filters", "must end with envoy.filters.http.router (is empty)");
    return;
  }
  for (int i = 0; i < message.http_filters_size(); ++i) {
    const HcmFilter& filter = message.http_filters(i);
    const bool last = i + 1 == message.http_filters_size();
    Faults::Scope scope(faults, "http_filters", static_cast<size_t>(i));
    if (!filter.has_typed_config()) {
      faults.Add("typed_config", StrCat("required: the configuration of ", config::Quote(filter.name())));
    } else if (config::Holds<Router>(filter.typed_config())) {
      if (last) {
        ReadRouter(filter, out.router, faults);
      } else {
        faults.Add("envoy.filters.http.router must be the last filter");
      }
      if (filter.disabled()) faults.Add("disabled", "is not for the router: no request could be answered");
    } else {
      ReadFilter(filter, types, out, faults);
      if (last) faults.Add("the last filter must be envoy.filters.http.router");
    }
  }
}

void ReadIdentity(const HttpConnectionManager& message, ConnectionManagerConfig& out, Faults& faults) {
  out.use_remote_address = message.use_remote_address().value();
  out.xff_trusted_hops = message.xff_num_trusted_hops();
  out.skip_xff_append = message.skip_xff_append();
  out.append_x_forwarded_port = message.append_x_forwarded_port();
  if (message.has_internal_address_config()) ReadInternalAddresses(message.internal_address_config(), out, faults);
  if (!message.server_name().empty()) out.server_name = message.server_name();
  out.server_header = static_cast<ConnectionManagerConfig::ServerHeader>(message.server_header_transformation());
  out.via = message.via();
  if (message.has_generate_request_id()) out.generate_request_id = message.generate_request_id().value();
  out.preserve_external_request_id = message.preserve_external_request_id();
  out.always_set_request_id_in_response = message.always_set_request_id_in_response();
  out.proxy_100_continue = message.proxy_100_continue();
  out.add_user_agent = message.add_user_agent().value();
  if (message.has_scheme_header_transformation()) {
    out.scheme_overwrite = message.scheme_header_transformation().scheme_to_overwrite();
    out.scheme_matches_upstream =
        message.scheme_header_transformation().match_upstream() && out.scheme_overwrite.empty();
  }
}

void ReadClientCertificate(const HttpConnectionManager& message, ConnectionManagerConfig& out) {
  out.forward_client_cert =
      static_cast<ConnectionManagerConfig::ForwardClientCert>(message.forward_client_cert_details());
  const HttpConnectionManager::SetCurrentClientCertDetails& details = message.set_current_client_cert_details();
  out.client_certificate_details = {.certificate = details.cert(),
                                    .chain = details.chain(),
                                    .subject = details.subject().value(),
                                    .uris = details.uri(),
                                    .dns_names = details.dns()};
}

void ReadPaths(const HttpConnectionManager& message, ConnectionManagerConfig& out, Faults& faults) {
  out.path.normalize = message.normalize_path().value();
  out.path.merge_slashes = message.merge_slashes();
  switch (message.path_with_escaped_slashes_action()) {
    case HttpConnectionManager::REJECT_REQUEST:
      out.path.escaped_slashes = http::EscapedSlashes::kRejectRequest;
      break;
    case HttpConnectionManager::UNESCAPE_AND_REDIRECT:
      out.path.escaped_slashes = http::EscapedSlashes::kUnescapeAndRedirect;
      break;
    case HttpConnectionManager::UNESCAPE_AND_FORWARD:
      out.path.escaped_slashes = http::EscapedSlashes::kUnescapeAndForward;
      break;
    default:
      out.path.escaped_slashes = http::EscapedSlashes::kKeepUnchanged;
      break;
  }
  if (message.strip_any_host_port() && message.strip_matching_host_port()) {
    faults.Add("strip_any_host_port", "excludes strip_matching_host_port: set one of them");
  }
  if (message.strip_any_host_port()) {
    out.strip_port = ConnectionManagerConfig::StripPort::kAny;
  } else if (message.strip_matching_host_port()) {
    out.strip_port = ConnectionManagerConfig::StripPort::kMatching;
  }
  out.strip_trailing_host_dot = message.strip_trailing_host_dot();
}

}  // namespace

const route::FormatterFactory& HeaderFormatters() {
  static const access_log::ValueTemplates templates;
  return templates;
}

std::optional<CompiledConnectionManager> CompileConnectionManager(const HttpConnectionManager& message,
                                                                  const ConnectionManagerOptions& options,
                                                                  Faults& faults) {
  const size_t faults_before = faults.count();
  auto out = std::make_shared<ConnectionManagerConfig>();
  CompiledConnectionManager compiled;
  out->stat_prefix = message.stat_prefix();
  ReadCommonOptions(message.common_http_protocol_options(), *out, faults);
  ReadHttp1Options(message.http_protocol_options(), *out, faults);
  if (message.has_max_request_headers_kb()) out->http1.max_head_bytes = message.max_request_headers_kb().value() * 1024;
  out->codec = ReadCodec(message.codec_type());
  ReadHttp2Options(message, *out, faults);
  ReadUpgrades(message, *out, faults);
  ReadTimeouts(message, *out, faults);
  ReadIdentity(message, *out, faults);
  ReadClientCertificate(message, *out);
  ReadPaths(message, *out, faults);
  ReadFilters(message, options.filters, *out, faults);
  if (message.has_rds()) {
    Faults::Scope rds(faults, "rds");
    if (message.rds().route_config_name().empty()) faults.Add("route_config_name", "required: what to ask for");
    out->rds_route_name = message.rds().route_config_name();
    Faults::Scope source(faults, "config_source");
    compiled.rds = config::ReadConfigSource(message.rds().config_source(), faults);
  } else if (message.has_route_config()) {
    Faults::Scope routes(faults, "route_config");
    route::CompileOptions compile;
    compile.formatters = &HeaderFormatters();
    compile.filters = &options.filters;
    compile.data_sources = options.data_sources;
    out->route_table = route::CompileRouteTable(message.route_config(), compile, faults);
  }
  out->access_logs = access_log::CompileAccessLogs(message.access_log(), "access_log", options.data_sources, faults);
  if (faults.count() != faults_before) return std::nullopt;
  compiled.config = std::move(out);
  return compiled;
}

}  // namespace nuncio::proxy
