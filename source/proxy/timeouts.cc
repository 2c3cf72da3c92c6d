#include "source/proxy/timeouts.h"

#include <algorithm>

#include "source/base/strings.h"
#include "source/http/grpc/timeout.h"
#include "source/http/hop_by_hop.h"

namespace nuncio::proxy {
namespace {

using http::HeaderId;

std::optional<Duration> Millis(std::string_view text) {
  const auto value = ParseDecimal<uint32_t>(text);
  if (!value.has_value()) return std::nullopt;
  return std::chrono::milliseconds(*value);
}

bool IsStrict(const ConnectionManagerConfig& config, std::string_view name) {
  const auto& names = config.router.strict_check_headers;
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool KnownRetryConditions(std::string_view list) {
  static constexpr std::string_view kKnown[] = {
      "5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "envoy-ratelimited", "retriable-4xx",
      "refused-stream", "retriable-status-codes", "retriable-headers", "http3-post-connect-failure", "cancelled",
      "deadline-exceeded", "internal", "resource-exhausted", "unavailable"};
  return http::ForEachListElement(list, [](std::string_view condition) {
    return std::find(std::begin(kKnown), std::end(kKnown), condition) != std::end(kKnown);
  });
}

std::optional<Duration> GrpcLimit(const route::StreamDurationLimits& limits, const http::HeaderMap& headers) {
  if (!limits.grpc_timeout_max.has_value()) return limits.max;
  const std::optional<Duration> told = http::grpc::ParseTimeout(headers.Value(HeaderId::kGrpcTimeout));
  if (!told.has_value()) return limits.max;
  Duration limit = *told;
  if (limits.grpc_timeout_offset.has_value() && *limits.grpc_timeout_offset < limit) {
    limit -= *limits.grpc_timeout_offset;
  }
  if (*limits.grpc_timeout_max > Duration::zero()) limit = std::min(limit, *limits.grpc_timeout_max);
  return limit;
}

}  // namespace

RouteTimeouts ComputeTimeouts(const ConnectionManagerConfig& config, const route::ForwardAction& route,
                              const http::HeaderMap& headers) {
  RouteTimeouts out;
  out.route = route.timeout;
  out.idle = route.idle_timeout;
  if (route.max_stream_duration != nullptr) out.max_duration = GrpcLimit(*route.max_stream_duration, headers);
  struct Override {
    HeaderId id;
    bool applies;
  };
  const Override overrides[] = {
      {HeaderId::kXEnvoyExpectedRqTimeoutMs, config.router.respect_expected_rq_timeout},
      {HeaderId::kXEnvoyUpstreamRqTimeoutMs, true},
  };
  bool decided = false;
  for (const Override& each : overrides) {
    if (!each.applies || !headers.Has(each.id)) continue;
    const std::optional<Duration> value = Millis(headers.Value(each.id));
    if (!value.has_value()) {
      if (IsStrict(config, http::HeaderName(each.id))) out.valid_headers = false;
      continue;
    }
    if (!decided) out.route = *value;
    decided = true;
  }
  for (HeaderId id : {HeaderId::kXEnvoyRetryOn, HeaderId::kXEnvoyRetryGrpcOn}) {
    if (headers.Has(id) && IsStrict(config, http::HeaderName(id)) && !KnownRetryConditions(headers.Value(id))) {
      out.valid_headers = false;
    }
  }
  // The proxy acts on none of these, but they may be asked to be well formed.
  for (HeaderId id : {HeaderId::kXEnvoyUpstreamRqPerTryTimeoutMs, HeaderId::kXEnvoyMaxRetries}) {
    if (headers.Has(id) && IsStrict(config, http::HeaderName(id)) &&
        !ParseDecimal<uint32_t>(headers.Value(id)).has_value()) {
      out.valid_headers = false;
    }
  }
  return out;
}

void RouteTimeouts::WriteHeaders(const ConnectionManagerConfig& config, http::HeaderMap& headers) const {
  headers.Remove(HeaderId::kXEnvoyUpstreamRqTimeoutMs);
  headers.Remove(HeaderId::kXEnvoyUpstreamRqPerTryTimeoutMs);
  headers.Remove(HeaderId::kXEnvoyUpstreamRqTimeoutAltResponse);
  if (config.router.suppress_envoy_headers || route <= Duration::zero()) return;
  headers.SetReference(
      HeaderId::kXEnvoyExpectedRqTimeoutMs,
      headers.arena().Number(static_cast<uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(route).count())));
}

}  // namespace nuncio::proxy
