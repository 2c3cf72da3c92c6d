#include "source/access_log/operator.h"

#include <algorithm>
#include <iterator>

#include "source/access_log/address_values.h"
#include "source/access_log/http_values.h"
#include "source/access_log/metadata_values.h"
#include "source/access_log/name_values.h"
#include "source/access_log/operator_parameters.h"
#include "source/access_log/outcome_values.h"
#include "source/access_log/time_values.h"
#include "source/access_log/tls_values.h"
#include "source/base/strings.h"

namespace nuncio::access_log {
namespace {

using Function = Value (*)(const Operator&, const StreamInfo&, std::string&);
using ParameterParser = bool (*)(std::string_view parameter, Operator::Parameters& out, std::string* error);

struct Spec {
  std::string_view name;
  Function function;
  enum class Parameter : uint8_t { kNone, kOptional, kRequired } parameter = Parameter::kNone;
  // Also run without a parameter, on an empty text, where it is kOptional with a default or kNone with something to
  // fetch.
  ParameterParser parse = nullptr;
  bool parse_empty = false;
  bool length_allowed = false;
  int choice = 0;
};
using P = Spec::Parameter;

constexpr Spec kSpecs[] = {
    {"REQ", Req, P::kRequired, ParseRequestFields, false, true},
    {"RESP", Resp, P::kRequired, ParseHeaders, false, true},
    {"TRAILER", Trailer, P::kRequired, ParseHeaders, false, true},
    {"PROTOCOL", Protocol},
    {"RESPONSE_CODE", ResponseCode},
    {"RESPONSE_CODE_DETAILS", ResponseCodeDetails, P::kOptional, ParseAllowWhitespaces, false, true},
    {"CONNECTION_TERMINATION_DETAILS", ConnectionTerminationDetails, P::kNone, nullptr, false, true},
    {"RESPONSE_FLAGS", Flags},
    {"RESPONSE_FLAGS_LONG", Flags, P::kNone, nullptr, false, false, 1},
    {"BYTES_RECEIVED", BytesReceived},
    {"BYTES_SENT", BytesSent},
    {"REQUEST_HEADERS_BYTES", RequestHeadersBytes},
    {"RESPONSE_HEADERS_BYTES", ResponseHeadersBytes},
    {"GRPC_STATUS", GrpcStatus, P::kOptional, ParseGrpcStatusFormat},
    {"GRPC_STATUS_NUMBER", GrpcStatus, P::kNone, nullptr, false, false, 2},
    {"START_TIME", StartTime, P::kOptional, ParseUtcTime, true},
    {"START_TIME_LOCAL", StartTime, P::kOptional, ParseLocalTime, true},
    {"EMIT_TIME", EmitTime, P::kOptional, ParseUtcTime, true},
    {"EMIT_TIME_LOCAL", EmitTime, P::kOptional, ParseLocalTime, true},
    {"DURATION", TotalDuration},
    {"REQUEST_DURATION", RequestDuration},
    {"REQUEST_TX_DURATION", RequestTxDuration},
    {"RESPONSE_DURATION", ResponseDuration},
    {"RESPONSE_TX_DURATION", ResponseTxDuration},
    {"COMMON_DURATION", CommonDuration, P::kRequired, ParseMoments},
    {"DOWNSTREAM_REMOTE_ADDRESS", RemoteAddress, P::kNone, nullptr, false, false, kWhole},
    {"DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", RemoteAddress, P::kNone, nullptr, false, false, kIp},
    {"DOWNSTREAM_REMOTE_PORT", RemoteAddress, P::kNone, nullptr, false, false, kPort},
    {"DOWNSTREAM_DIRECT_REMOTE_ADDRESS", DirectRemoteAddress, P::kNone, nullptr, false, false, kWhole},
    {"DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", DirectRemoteAddress, P::kNone, nullptr, false, false, kIp},
    {"DOWNSTREAM_DIRECT_REMOTE_PORT", DirectRemoteAddress, P::kNone, nullptr, false, false, kPort},
    {"DOWNSTREAM_LOCAL_ADDRESS", LocalAddress, P::kNone, nullptr, false, false, kWhole},
    {"DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", LocalAddress, P::kNone, nullptr, false, false, kIp},
    {"DOWNSTREAM_LOCAL_PORT", LocalAddress, P::kNone, nullptr, false, false, kPort},
    {"UPSTREAM_HOST", UpstreamRemoteAddress, P::kNone, nullptr, false, false, kWhole},
    {"UPSTREAM_REMOTE_ADDRESS", UpstreamRemoteAddress, P::kNone, nullptr, false, false, kWhole},
    {"UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", UpstreamRemoteAddress, P::kNone, nullptr, false, false, kIp},
    {"UPSTREAM_REMOTE_PORT", UpstreamRemoteAddress, P::kNone, nullptr, false, false, kPort},
    {"UPSTREAM_LOCAL_ADDRESS", UpstreamLocalAddress, P::kNone, nullptr, false, false, kWhole},
    {"UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", UpstreamLocalAddress, P::kNone, nullptr, false, false, kIp},
    {"UPSTREAM_LOCAL_PORT", UpstreamLocalAddress, P::kNone, nullptr, false, false, kPort},
    {"UPSTREAM_CLUSTER", UpstreamCluster},
    {"UPSTREAM_CLUSTER_RAW", UpstreamCluster},
    {"UPSTREAM_CONNECTION_ID", UpstreamConnectionId},
    {"UPSTREAM_TRANSPORT_FAILURE_REASON", UpstreamTransportFailureReason, P::kOptional, ParseAllowWhitespaces, false,
     true},
    {"DOWNSTREAM_TRANSPORT_FAILURE_REASON", DownstreamTransportFailureReason},
    {"UPSTREAM_REQUEST_ATTEMPT_COUNT", AttemptCount},
    {"ROUTE_NAME", RouteName},
    {"VIRTUAL_HOST_NAME", VirtualHostName},
    {"FILTER_CHAIN_NAME", FilterChainName},
    {"CONNECTION_ID", ConnectionId},
    {"STREAM_ID", StreamId},
    {"HOSTNAME", FixedText, P::kNone, ParseHostname, true},
    {"ENVIRONMENT", FixedText, P::kRequired, ParseEnvironment, false, true},
    {"METADATA", MetadataValue, P::kRequired, ParseMetadata, false, true},
    {"CLUSTER_METADATA", MetadataValue, P::kRequired, ParseClusterMetadata, false, true},
    {"REQUESTED_SERVER_NAME", RequestedServerName},
    {"TLS_JA3_FINGERPRINT", Ja3},
    {"TLS_JA4_FINGERPRINT", Ja4},
    {"DOWNSTREAM_TLS_VERSION", DownstreamTls, P::kNone, nullptr, false, false, kTlsVersion},
    {"DOWNSTREAM_TLS_CIPHER", DownstreamTls, P::kNone, nullptr, false, false, kTlsCipher},
    {"DOWNSTREAM_TLS_SESSION_ID", DownstreamTls, P::kNone, nullptr, false, false, kTlsSessionId},
    {"DOWNSTREAM_PEER_CERT", DownstreamTls, P::kNone, nullptr, false, false, kTlsPeerPem},
    {"DOWNSTREAM_PEER_SUBJECT", DownstreamTls, P::kNone, nullptr, false, false, kTlsPeerSubject},
    {"DOWNSTREAM_PEER_ISSUER", DownstreamTls, P::kNone, nullptr, false, false, kTlsPeerIssuer},
    {"DOWNSTREAM_PEER_SERIAL", DownstreamTls, P::kNone, nullptr, false, false, kTlsPeerSerial},
    {"DOWNSTREAM_PEER_FINGERPRINT_256", DownstreamTls, P::kNone, nullptr, false, false, kTlsPeerSha256},
    {"DOWNSTREAM_PEER_FINGERPRINT_1", DownstreamTls, P::kNone, nullptr, false, false, kTlsPeerSha1},
    {"DOWNSTREAM_PEER_URI_SAN", DownstreamTls, P::kNone, nullptr, false, false, kTlsPeerUris},
    {"DOWNSTREAM_PEER_DNS_SAN", DownstreamTls, P::kNone, nullptr, false, false, kTlsPeerNames},
    {"DOWNSTREAM_PEER_IP_SAN", DownstreamTls, P::kNone, nullptr, false, false, kTlsPeerIps},
    {"DOWNSTREAM_PEER_EMAIL_SAN", DownstreamTls, P::kNone, nullptr, false, false, kTlsPeerEmails},
    {"DOWNSTREAM_LOCAL_SUBJECT", DownstreamTls, P::kNone, nullptr, false, false, kTlsLocalSubject},
    {"DOWNSTREAM_LOCAL_URI_SAN", DownstreamTls, P::kNone, nullptr, false, false, kTlsLocalUris},
    {"DOWNSTREAM_LOCAL_DNS_SAN", DownstreamTls, P::kNone, nullptr, false, false, kTlsLocalNames},
    {"DOWNSTREAM_LOCAL_IP_SAN", DownstreamTls, P::kNone, nullptr, false, false, kTlsLocalIps},
    {"DOWNSTREAM_LOCAL_EMAIL_SAN", DownstreamTls, P::kNone, nullptr, false, false, kTlsLocalEmails},
    {"DOWNSTREAM_PEER_CERT_V_START", DownstreamTls, P::kOptional, ParseUtcTime, true, false, kTlsPeerBegin},
    {"DOWNSTREAM_PEER_CERT_V_END", DownstreamTls, P::kOptional, ParseUtcTime, true, false, kTlsPeerEnd},
    {"UPSTREAM_TLS_VERSION", UpstreamTls, P::kNone, nullptr, false, false, kTlsVersion},
    {"UPSTREAM_TLS_CIPHER", UpstreamTls, P::kNone, nullptr, false, false, kTlsCipher},
    {"UPSTREAM_TLS_SESSION_ID", UpstreamTls, P::kNone, nullptr, false, false, kTlsSessionId},
    {"UPSTREAM_PEER_CERT", UpstreamTls, P::kNone, nullptr, false, false, kTlsPeerPem},
    {"UPSTREAM_PEER_SUBJECT", UpstreamTls, P::kNone, nullptr, false, false, kTlsPeerSubject},
    {"UPSTREAM_PEER_ISSUER", UpstreamTls, P::kNone, nullptr, false, false, kTlsPeerIssuer},
    {"UPSTREAM_PEER_URI_SAN", UpstreamTls, P::kNone, nullptr, false, false, kTlsPeerUris},
    {"UPSTREAM_PEER_DNS_SAN", UpstreamTls, P::kNone, nullptr, false, false, kTlsPeerNames},
    {"UPSTREAM_PEER_IP_SAN", UpstreamTls, P::kNone, nullptr, false, false, kTlsPeerIps},
    {"UPSTREAM_LOCAL_URI_SAN", UpstreamTls, P::kNone, nullptr, false, false, kTlsLocalUris},
    {"UPSTREAM_LOCAL_DNS_SAN", UpstreamTls, P::kNone, nullptr, false, false, kTlsLocalNames},
    {"UPSTREAM_LOCAL_IP_SAN", UpstreamTls, P::kNone, nullptr, false, false, kTlsLocalIps},
};

}  // namespace

std::optional<Operator> Operator::Parse(std::string_view name, std::optional<std::string_view> parameter,
                                        std::optional<uint32_t> max_length, std::string* error) {
  const auto spec =
      std::find_if(std::begin(kSpecs), std::end(kSpecs), [name](const Spec& s) { return s.name == name; });
  if (spec == std::end(kSpecs)) {
    *error = StrCat("there is no operator %", name, "%");
    return std::nullopt;
  }
  if (parameter.has_value() && spec->parameter == P::kNone) {
    *error = StrCat("%", name, "% takes no parameter");
    return std::nullopt;
  }
  if (!parameter.has_value() && spec->parameter == P::kRequired) {
    *error = StrCat("%", name, "% needs a parameter in parentheses");
    return std::nullopt;
  }
  if (max_length.has_value() && !spec->length_allowed) {
    *error = StrCat("%", name, "% takes no length");
    return std::nullopt;
  }
  Operator out;
  out.function_ = spec->function;
  out.parameters_.choice = spec->choice;
  if (max_length.has_value()) out.max_length_ = *max_length;
  if (parameter.has_value() || spec->parse_empty) {
    std::string why;
    if (!spec->parse(parameter.value_or(""), out.parameters_, &why)) {
      *error = StrCat("%", name, "%: ", why);
      return std::nullopt;
    }
  }
  return out;
}

}  // namespace nuncio::access_log
