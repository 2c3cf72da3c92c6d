#include "source/config/config_source_reader.h"

#include "source/base/strings.h"
#include "source/config/converters.h"

namespace nuncio::config {
namespace {

namespace core = envoy::config::core::v3;

void CheckVersion(core::ApiVersion version, std::string_view field, Faults& faults) {
  if (version == core::AUTO || version == core::V3) return;
  faults.Add(field, "must be V3 or AUTO: no other version of the API is spoken");
}

FileSource ReadPath(const core::PathConfigSource& source) {
  return {source.path(), source.has_watched_directory() ? source.watched_directory().path() : std::string()};
}

}  // namespace

GrpcTarget ReadGrpcService(const core::GrpcService& service, Faults& faults) {
  GrpcTarget target;
  if (!service.has_envoy_grpc()) {
    faults.Add("envoy_grpc", "must be set");
    return target;
  }
  const core::GrpcService::EnvoyGrpc& grpc = service.envoy_grpc();
  target.cluster = grpc.cluster_name();
  if (target.cluster.empty()) faults.Add("envoy_grpc.cluster_name", "must not be empty");
  target.authority = grpc.authority().empty() ? grpc.cluster_name() : grpc.authority();
  if (grpc.max_receive_message_length().value() > 0) {
    target.max_receive_message_bytes = grpc.max_receive_message_length().value();
  }
  for (int i = 0; i < service.initial_metadata_size(); ++i) {
    const core::HeaderValue& header = service.initial_metadata(i);
    Faults::Scope scope(faults, "initial_metadata", static_cast<size_t>(i));
    std::string name = AsciiToLower(header.key());
    if (name.starts_with(':') || name.starts_with("grpc-")) {
      faults.Add("key", StrCat("must not begin with \":\" or \"grpc-\", which belong to the protocol (is ",
                               Quote(header.key()), ")"));
    }
    if (!header.value().empty() && !header.raw_value().empty()) {
      faults.Add("cannot have both value and raw_value: one of the two only");
    }
    target.initial_metadata.emplace_back(std::move(name),
                                         header.raw_value().empty() ? header.value() : header.raw_value());
  }
  return target;
}

GrpcSource ReadApiConfigSource(const core::ApiConfigSource& source, Faults& faults) {
  GrpcSource out;
  if (source.api_type() != core::ApiConfigSource::GRPC) {
    faults.Add("api_type", "must be GRPC");
  }
  CheckVersion(source.transport_api_version(), "transport_api_version", faults);
  if (source.grpc_services_size() == 0) {
    faults.Add("grpc_services", "must name the server");
  } else {
    if (source.grpc_services_size() > 1) {
      faults.Add("grpc_services", StrCat("must name exactly one server (has ", source.grpc_services_size(), ")"));
    }
    Faults::Scope scope(faults, "grpc_services", size_t{0});
    out.target = ReadGrpcService(source.grpc_services(0), faults);
  }
  out.node_on_first_message_only = source.set_node_on_first_message_only();
  if (source.has_rate_limit_settings()) {
    const core::RateLimitSettings& settings = source.rate_limit_settings();
    Faults::Scope scope(faults, "rate_limit_settings");
    out.limited = true;
    if (settings.has_max_tokens()) out.rate_limit.max_tokens = settings.max_tokens().value();
    if (settings.has_fill_rate()) out.rate_limit.tokens_per_second = settings.fill_rate().value();
    if (out.rate_limit.max_tokens == 0) faults.Add("max_tokens", "must be at least 1 (is 0): no request would be sent");
    if (!(out.rate_limit.tokens_per_second > 0)) {
      faults.Add("fill_rate", StrCat("must be greater than 0 (is ", out.rate_limit.tokens_per_second, ")"));
    }
  }
  return out;
}

ConfigSource ReadConfigSource(const core::ConfigSource& source, Faults& faults) {
  ConfigSource out;
  switch (source.config_source_specifier_case()) {
    case core::ConfigSource::kAds:
      out.kind = AdsSource();
      break;
    case core::ConfigSource::kApiConfigSource: {
      Faults::Scope scope(faults, "api_config_source");
      out.kind = ReadApiConfigSource(source.api_config_source(), faults);
      break;
    }
    case core::ConfigSource::kPathConfigSource: {
      out.kind = ReadPath(source.path_config_source());
      if (source.path_config_source().path().empty()) faults.Add("path_config_source.path", "must not be empty");
      break;
    }
    case core::ConfigSource::kPath:
      out.kind = FileSource{source.path(), {}};
      if (source.path().empty()) faults.Add("path", "must not be empty");
      break;
    case core::ConfigSource::CONFIG_SOURCE_SPECIFIER_NOT_SET:
      faults.Add("one of ads, api_config_source, path_config_source must be set");
      break;
  }
  CheckVersion(source.resource_api_version(), "resource_api_version", faults);
  out.initial_fetch_timeout = DurationField(source.has_initial_fetch_timeout(), source.initial_fetch_timeout(),
                                            "initial_fetch_timeout", ConfigSource::kDefaultInitialFetchTimeout, faults);
  return out;
}

}  // namespace nuncio::config
