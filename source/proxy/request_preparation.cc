#include "source/proxy/request_preparation.h"

#include <vector>

#include "source/base/strings.h"
#include "source/http/grpc/status.h"
#include "source/http/hop_by_hop.h"
#include "source/http/path.h"

namespace nuncio::proxy {
namespace {

using http::HeaderId;
using Verdict = PreparedRequest::Verdict;

void Reject(PreparedRequest& out, uint32_t status, std::string_view details, std::string_view body) {
  out.verdict = Verdict::kReject;
  out.status = status;
  out.details = details;
  out.body = body;
}

bool IsInternalAddress(const ConnectionManagerConfig& config, const net::Address& address) {
  if (!address.is_ip()) return config.unix_sockets_internal;
  for (const net::CidrRange& range : config.internal_ranges) {
    if (range.Contains(address)) return true;
  }
  return false;
}

bool IsInternalText(const ConnectionManagerConfig& config, std::string_view ip) {
  if (config.internal_ranges.empty()) return false;
  auto address = net::Address::FromIp(ip, 0);
  return address.ok() && IsInternalAddress(config, *address);
}

// Settles the client's address and whether it is internal; appends to x-forwarded-for.
void SettleAddress(const ConnectionManagerConfig& config, const RequestOrigin& origin, http::HeaderMap& headers,
                   PreparedRequest& out) {
  std::string_view xff;
  const bool has_xff = headers.Joined("x-forwarded-for", &xff);
  bool single_address;
  if (config.use_remote_address) {
    single_address = !has_xff;
    if (config.xff_trusted_hops > 0) out.remote_ip = XffAddressFromEnd(xff, config.xff_trusted_hops - 1);
  } else {
    out.remote_ip = XffAddressFromEnd(xff, config.xff_trusted_hops);
    single_address = xff.find(',') == std::string_view::npos;
  }
  const bool from_header = !out.remote_ip.empty();
  if (!from_header) out.remote_ip = origin.connection.peer_ip_text;
  if (single_address) {
    out.internal =
        from_header ? IsInternalText(config, out.remote_ip) : IsInternalAddress(config, origin.connection.peer);
  }
  if (!config.use_remote_address || config.skip_xff_append || !origin.connection.peer.is_ip()) return;
  const std::string_view peer = origin.connection.peer_ip_text;
  headers.SetReference(HeaderId::kXForwardedFor, xff.empty() ? peer : headers.arena().Concat(xff, ",", peer));
}

void SettleProto(const ConnectionManagerConfig& config, const RequestOrigin& origin, http::RequestHead& head) {
  http::HeaderMap& headers = head.headers;
  const bool own_word = config.use_remote_address && config.xff_trusted_hops == 0;
  const std::string_view told = headers.Value(HeaderId::kXForwardedProto);
  if (own_word || (told != "http" && told != "https")) {
    headers.SetReference(HeaderId::kXForwardedProto, origin.transport_scheme);
  }
  if (!config.scheme_overwrite.empty()) {
    head.scheme = config.scheme_overwrite;
  } else {
    head.scheme = headers.Value(HeaderId::kXForwardedProto);
  }
  if (config.append_x_forwarded_port && (own_word || !headers.Has(HeaderId::kXForwardedPort))) {
    char digits[8];
    const auto end = std::to_chars(digits, digits + sizeof(digits), origin.local_address.LocalAddress().port()).ptr;
    headers.SetReference(HeaderId::kXForwardedPort,
                         headers.arena().Copy({digits, static_cast<size_t>(end - digits)}));
  }
}

void SettleClientCertificate(const ConnectionManagerConfig& config, const RequestOrigin& origin,
                             http::HeaderMap& headers) {
  using Forward = ConnectionManagerConfig::ForwardClientCert;
  if (config.forward_client_cert == Forward::kAlwaysForwardOnly) return;
  const net::SecurityInfo* const security = origin.connection.security;
  if (config.forward_client_cert == Forward::kSanitize || security == nullptr ||
      !security->peer_certificate_presented()) {
    headers.Remove(HeaderId::kXForwardedClientCert);
    return;
  }
  if (!config.adds_client_certificate()) return;
  std::string_view before;
  const bool append = config.forward_client_cert == Forward::kAppendForward &&
                      headers.Joined("x-forwarded-client-cert", &before) && !before.empty();
  headers.SetReference(HeaderId::kXForwardedClientCert,
                       append ? headers.arena().Concat(before, ",", origin.client_certificate)
                              : origin.client_certificate);
}

void StripUntrusted(const ConnectionManagerConfig& config, const PreparedRequest& request, http::HeaderMap& headers) {
  const bool edge = config.use_remote_address && !request.internal;
  if (request.internal) {
    headers.SetReference(HeaderId::kXEnvoyInternal, "true");
  } else {
    static constexpr HeaderId kInternalOnly[] = {
        HeaderId::kXEnvoyInternal,
        HeaderId::kXEnvoyRetriableStatusCodes,
        HeaderId::kXEnvoyRetriableHeaderNames,
        HeaderId::kXEnvoyRetryOn,
        HeaderId::kXEnvoyRetryGrpcOn,
        HeaderId::kXEnvoyMaxRetries,
        HeaderId::kXEnvoyUpstreamAltStatName,
        HeaderId::kXEnvoyUpstreamRqTimeoutMs,
        HeaderId::kXEnvoyUpstreamRqTimeoutAltResponse,
        HeaderId::kXEnvoyUpstreamRqPerTryTimeoutMs,
        HeaderId::kXEnvoyExpectedRqTimeoutMs,
        HeaderId::kXEnvoyForceTrace,
        HeaderId::kXEnvoyIpTags,
        HeaderId::kXEnvoyOriginalPath,
        HeaderId::kXEnvoyOriginalHost,
        HeaderId::kXEnvoyHedgeOnPerTryTimeout,
        HeaderId::kXEnvoyIsTimeoutRetry,
        HeaderId::kXEnvoyAttemptCount,
    };
    for (HeaderId id : kInternalOnly) headers.Remove(id);
  }
  if (edge) {
    headers.Remove(HeaderId::kXEnvoyDecoratorOperation);
    headers.Remove(HeaderId::kXEnvoyDownstreamServiceCluster);
    headers.Remove(HeaderId::kXEnvoyDownstreamServiceNode);
    headers.SetReference(HeaderId::kXEnvoyExternalAddress, request.remote_ip);
  }
}

void SettleRequestId(const ConnectionManagerConfig& config, bool edge, Random& random, http::HeaderMap& headers) {
  if (edge && !config.preserve_external_request_id) headers.Remove(HeaderId::kXRequestId);
  if (!config.generate_request_id || headers.Has(HeaderId::kXRequestId)) return;
  char* uuid = headers.arena().NewArray<char>(36);
  WriteUuid(random, uuid);
  headers.SetReference(HeaderId::kXRequestId, {uuid, 36});
}

// "host:80" -> "host" as configured. The authority is known to be well formed.
void NormalizeAuthority(const ConnectionManagerConfig& config, const RequestOrigin& origin, http::RequestHead& head) {
  std::string_view host = head.authority;
  std::string_view port;
  const size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
    port = host.substr(colon);
    host = host.substr(0, colon);
  }
  if (!port.empty() && config.strip_port != ConnectionManagerConfig::StripPort::kNone) {
    const auto number = ParseDecimal<uint16_t>(port.substr(1));
    if (config.strip_port == ConnectionManagerConfig::StripPort::kAny ||
        (number.has_value() && *number == origin.local_address.LocalAddress().port())) {
      port = {};
    }
  }
  bool dot = false;
  if (config.strip_trailing_host_dot && host.size() > 1 && host.back() == '.') {
    host.remove_suffix(1);
    dot = true;
  }
  if (port.empty()) {
    head.authority = host;
  } else if (dot) {
    head.authority = head.headers.arena().Concat(host, port);
  }
}

// Names with underscores can pass for others behind servers that map both "-" and "_" to one character.
bool SettleUnderscores(const ConnectionManagerConfig& config, bool http2, http::HeaderMap& headers,
                       PreparedRequest& out) {
  const auto has_underscore = [](const http::HeaderField& field) {
    return field.name.find('_') != std::string_view::npos;
  };
  if (config.underscores == ConnectionManagerConfig::Underscores::kDrop) {
    out.dropped_headers = headers.RemoveIf(has_underscore);
    return true;
  }
  for (const http::HeaderField& field : headers) {
    if (!has_underscore(field)) continue;
    Reject(out, 400, http2 ? "http2.unexpected_underscore" : "http1.unexpected_underscore",
           "header name with an underscore");
    out.underscore_refused = true;
    return false;
  }
  return true;
}

void AddUserAgent(const RequestOrigin& origin, http::HeaderMap& headers) {
  headers.SetReference(HeaderId::kXEnvoyDownstreamServiceCluster, origin.service_cluster);
  if (!headers.Has(HeaderId::kUserAgent)) headers.SetReference(HeaderId::kUserAgent, origin.service_cluster);
  if (!origin.service_node.empty()) {
    headers.SetReference(HeaderId::kXEnvoyDownstreamServiceNode, origin.service_node);
  }
}

}  // namespace

std::string_view XffAddressFromEnd(std::string_view xff, uint32_t n) {
  for (;; --n) {
    if (xff.empty()) return {};
    const size_t comma = xff.rfind(',');
    const std::string_view last = TrimOws(comma == std::string_view::npos ? xff : xff.substr(comma + 1));
    if (n == 0) return net::Address::FromIp(last, 0).ok() ? last : std::string_view();
    if (comma == std::string_view::npos) return {};
    xff = xff.substr(0, comma);
  }
}

void RemoveInternalOnlyHeaders(const std::vector<route::HeaderName>& names, http::HeaderMap& headers) {
  for (const route::HeaderName& name : names) {
    if (name.id != HeaderId::kOther) {
      headers.Remove(name.id);
    } else {
      headers.Remove(name.text);
    }
  }
}

PreparedRequest PrepareRequest(const ConnectionManagerConfig& config, const RequestOrigin& origin, Random& random,
                               http::RequestHead& head) {
  PreparedRequest out;
  http::HeaderMap& headers = head.headers;
  out.remote_ip = origin.connection.peer_ip_text;

  if (config.underscores != ConnectionManagerConfig::Underscores::kAllow &&
      !SettleUnderscores(config, head.protocol == http::Protocol::kHttp2, headers, out)) {
    return out;
  }
  // CONNECT names a port that is needed, and no path; OPTIONS * none either.
  const bool connect = head.method == http::Method::kConnect;
  if (!connect) NormalizeAuthority(config, origin, head);
  if (head.path != "*" && !connect) {
    switch (http::NormalizePath(&head.path, config.path, headers.arena())) {
      case http::PathAction::kForward:
        break;
      case http::PathAction::kReject:
        Reject(out, 400, kPathNormalizationFailed, "invalid path");
        return out;
      case http::PathAction::kRedirect:
        // gRPC clients follow no redirect.
        if (http::grpc::IsGrpcContentType(headers.Value(HeaderId::kContentType))) {
          Reject(out, 400, kPathNormalizationFailed, "invalid path");
          return out;
        }
        out.verdict = Verdict::kRedirectToNormalizedPath;
        break;
    }
  }
  http::StripHopByHop(headers);
  SettleAddress(config, origin, headers, out);
  SettleProto(config, origin, head);
  SettleClientCertificate(config, origin, headers);
  StripUntrusted(config, out, headers);
  if (config.add_user_agent) AddUserAgent(origin, headers);
  SettleRequestId(config, config.use_remote_address && !out.internal, random, headers);
  if (!config.via.empty()) {
    std::string_view via;
    headers.SetReference(HeaderId::kVia,
                         headers.Joined("via", &via) ? headers.arena().Concat(via, ", ", config.via) : config.via);
  }
  return out;
}

}  // namespace nuncio::proxy
