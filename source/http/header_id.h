#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// Fields that the proxy itself looks at. Each has a small number, found once while parsing, so that later look-ups
// compare numbers instead of text. X(identifier, lower-case name).
#define NUNCIO_HTTP_HEADERS(X)                                                \
  X(Accept, "accept")                                                         \
  X(AcceptEncoding, "accept-encoding")                                        \
  X(AccessControlRequestMethod, "access-control-request-method")              \
  X(Allow, "allow")                                                           \
  X(Authorization, "authorization")                                           \
  X(CacheControl, "cache-control")                                            \
  X(Connection, "connection")                                                 \
  X(ContentEncoding, "content-encoding")                                      \
  X(ContentLength, "content-length")                                          \
  X(ContentType, "content-type")                                              \
  X(Cookie, "cookie")                                                         \
  X(Date, "date")                                                             \
  X(Expect, "expect")                                                         \
  X(Forwarded, "forwarded")                                                   \
  X(GrpcMessage, "grpc-message")                                              \
  X(GrpcStatus, "grpc-status")                                                \
  X(GrpcTimeout, "grpc-timeout")                                              \
  X(Host, "host")                                                             \
  X(Http2Settings, "http2-settings")                                          \
  X(KeepAlive, "keep-alive")                                                  \
  X(Location, "location")                                                     \
  X(Origin, "origin")                                                         \
  X(ProxyAuthenticate, "proxy-authenticate")                                  \
  X(ProxyAuthorization, "proxy-authorization")                                \
  X(ProxyConnection, "proxy-connection")                                      \
  X(Referer, "referer")                                                       \
  X(Server, "server")                                                         \
  X(SetCookie, "set-cookie")                                                  \
  X(Te, "te")                                                                 \
  X(Trailer, "trailer")                                                       \
  X(TransferEncoding, "transfer-encoding")                                    \
  X(Upgrade, "upgrade")                                                       \
  X(UserAgent, "user-agent")                                                  \
  X(Via, "via")                                                               \
  X(XEnvoyAttemptCount, "x-envoy-attempt-count")                              \
  X(XEnvoyDecoratorOperation, "x-envoy-decorator-operation")                  \
  X(XEnvoyDownstreamServiceCluster, "x-envoy-downstream-service-cluster")     \
  X(XEnvoyDownstreamServiceNode, "x-envoy-downstream-service-node")           \
  X(XEnvoyExpectedRqTimeoutMs, "x-envoy-expected-rq-timeout-ms")              \
  X(XEnvoyExternalAddress, "x-envoy-external-address")                        \
  X(XEnvoyForceTrace, "x-envoy-force-trace")                                  \
  X(XEnvoyHedgeOnPerTryTimeout, "x-envoy-hedge-on-per-try-timeout")           \
  X(XEnvoyInternal, "x-envoy-internal")                                       \
  X(XEnvoyIpTags, "x-envoy-ip-tags")                                          \
  X(XEnvoyIsTimeoutRetry, "x-envoy-is-timeout-retry")                         \
  X(XEnvoyMaxRetries, "x-envoy-max-retries")                                  \
  X(XEnvoyOriginalHost, "x-envoy-original-host")                              \
  X(XEnvoyOriginalPath, "x-envoy-original-path")                              \
  X(XEnvoyOverloaded, "x-envoy-overloaded")                                   \
  X(XEnvoyRetriableHeaderNames, "x-envoy-retriable-header-names")             \
  X(XEnvoyRetriableStatusCodes, "x-envoy-retriable-status-codes")             \
  X(XEnvoyRetryGrpcOn, "x-envoy-retry-grpc-on")                               \
  X(XEnvoyRetryOn, "x-envoy-retry-on")                                        \
  X(XEnvoyUpstreamAltStatName, "x-envoy-upstream-alt-stat-name")              \
  X(XEnvoyUpstreamCanary, "x-envoy-upstream-canary")                          \
  X(XEnvoyUpstreamRqPerTryTimeoutMs, "x-envoy-upstream-rq-per-try-timeout-ms") \
  X(XEnvoyUpstreamRqTimeoutAltResponse, "x-envoy-upstream-rq-timeout-alt-response") \
  X(XEnvoyUpstreamRqTimeoutMs, "x-envoy-upstream-rq-timeout-ms")              \
  X(XEnvoyUpstreamServiceTime, "x-envoy-upstream-service-time")               \
  X(XForwardedClientCert, "x-forwarded-client-cert")                          \
  X(XForwardedFor, "x-forwarded-for")                                         \
  X(XForwardedHost, "x-forwarded-host")                                       \
  X(XForwardedPort, "x-forwarded-port")                                       \
  X(XForwardedProto, "x-forwarded-proto")                                     \
  X(XRequestId, "x-request-id")

namespace nuncio::http {

enum class HeaderId : uint8_t {
#define X(identifier, name) k##identifier,
  NUNCIO_HTTP_HEADERS(X)
#undef X
      kOther,
};

inline constexpr size_t kHeaderIdCount = static_cast<size_t>(HeaderId::kOther);
static_assert(kHeaderIdCount <= 128, "HeaderMap keeps two words of presence bits");

// The id of a field name in any case; kOther for all that are not listed.
HeaderId FindHeaderId(std::string_view name);

// Lower-case name; empty for kOther.
std::string_view HeaderName(HeaderId id);

}  // namespace nuncio::http
