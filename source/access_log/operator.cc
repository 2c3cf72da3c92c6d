#include "source/access_log/operator.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <variant>

#include "source/access_log/grpc_status.h"
#include "source/access_log/tls_values.h"
#include "source/base/strings.h"
#include "source/http/grpc/status.h"

namespace nuncio::access_log {
namespace {

using Parameters = Operator::Parameters;
using Function = Value (*)(const Operator&, const StreamInfo&, std::string&);

// --- Requests and answers.

Value Req(const Operator& op, const StreamInfo& info, std::string&) {
  if (info.request == nullptr) return {};
  std::string_view value;
  for (const auto* field : {&op.parameters().request, &op.parameters().request_alternative}) {
    if (!field->has_value()) continue;
    if ((*field)->First(*info.request, &value)) return Value::TextOrNone(value);
    // The header is not sent where x-envoy headers are suppressed; the log has it all the same.
    if ((*field)->name() == "x-envoy-original-path" && !info.original_path.empty() &&
        info.original_path != info.request->path) {
      return Value::Text(info.original_path);
    }
  }
  return {};
}

Value FromHeaders(const Operator& op, const http::HeaderMap& headers) {
  for (const auto* name : {&op.parameters().header, &op.parameters().header_alternative}) {
    if (!name->has_value()) continue;
    const http::HeaderField* field =
        (*name)->id == http::HeaderId::kOther ? headers.Find((*name)->name) : headers.Find((*name)->id);
    if (field != nullptr) return Value::TextOrNone(field->value);
  }
  return {};
}

Value Resp(const Operator& op, const StreamInfo& info, std::string&) {
  if (op.parameters().choice == 1) return info.response_code == 0 ? Value{} : Value::Number(info.response_code);
  return info.response == nullptr ? Value{} : FromHeaders(op, info.response->headers);
}

Value Trailer(const Operator& op, const StreamInfo& info, std::string&) {
  return info.response_trailers == nullptr ? Value{} : FromHeaders(op, *info.response_trailers);
}

Value Protocol(const Operator&, const StreamInfo& info, std::string&) {
  return info.request == nullptr ? Value{} : Value::Text(http::ProtocolName(info.request->protocol));
}

Value ResponseCode(const Operator&, const StreamInfo& info, std::string&) { return Value::Number(info.response_code); }

// Without ALLOW_WHITESPACES, so that a line can be split at spaces.
Value Joined(std::string_view text, bool keep_spaces, std::string& scratch) {
  if (keep_spaces || text.find_first_of(" \t\n\v\f\r") == std::string_view::npos) return Value::TextOrNone(text);
  for (const char c : text) scratch.push_back(c == ' ' || (c >= '\t' && c <= '\r') ? '_' : c);
  return Value::Text(scratch);
}

Value ResponseCodeDetails(const Operator& op, const StreamInfo& info, std::string& scratch) {
  return Joined(info.response_code_details, op.parameters().choice == 1, scratch);
}

Value ConnectionTerminationDetails(const Operator&, const StreamInfo& info, std::string&) {
  return Value::TextOrNone(info.connection_termination_details);
}

Value Flags(const Operator& op, const StreamInfo& info, std::string& scratch) {
  if (op.parameters().choice == 1) {
    AppendLongNames(info.flags, scratch);
  } else {
    AppendShortNames(info.flags, scratch);
  }
  return Value::Text(scratch);
}

Value BytesReceived(const Operator&, const StreamInfo& info, std::string&) {
  return Value::Number(static_cast<int64_t>(info.bytes_received));
}
Value BytesSent(const Operator&, const StreamInfo& info, std::string&) {
  return Value::Number(static_cast<int64_t>(info.bytes_sent));
}

Value GrpcStatus(const Operator& op, const StreamInfo& info, std::string&) {
  if (info.request == nullptr ||
      !http::grpc::IsGrpcContentType(info.request->headers.Value(http::HeaderId::kContentType))) {
    return {};
  }
  const std::optional<int64_t> code = GrpcStatusOf(info);
  if (!code.has_value()) return {};
  static constexpr std::string_view kCamel[] = {
      "OK",           "Canceled",        "Unknown",           "InvalidArgument",    "DeadlineExceeded", "NotFound",
      "AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted",          "OutOfRange",
      "Unimplemented", "Internal",        "Unavailable",       "DataLoss",           "Unauthenticated"};
  enum { kCamelString, kSnakeString, kNumber };
  if (op.parameters().choice == kNumber) return Value::Number(*code);
  if (*code == kInvalidGrpcStatus) return Value::Text("InvalidCode");
  if (*code >= static_cast<int64_t>(std::size(kCamel))) return Value::Number(*code);
  if (op.parameters().choice == kCamelString) return Value::Text(kCamel[*code]);
  return Value::Text(http::grpc::StatusCodeName(static_cast<http::grpc::StatusCode>(*code)));
}

Value RequestHeadersBytes(const Operator&, const StreamInfo& info, std::string&) {
  if (info.request == nullptr) return Value::Number(0);
  const http::RequestHead& head = *info.request;
  const auto pseudo = [](std::string_view name, std::string_view value) {
    return value.empty() ? 0 : name.size() + value.size();
  };
  return Value::Number(static_cast<int64_t>(head.headers.byte_size() + pseudo(":method", head.method_text) +
                                            pseudo(":path", head.path) + pseudo(":authority", head.authority) +
                                            pseudo(":scheme", head.scheme)));
}

Value ResponseHeadersBytes(const Operator&, const StreamInfo& info, std::string&) {
  if (info.response == nullptr) return Value::Number(0);
  // With ":status" and its three digits.
  return Value::Number(static_cast<int64_t>(info.response->headers.byte_size()) + 10);
}

// --- Times.

Value StartTime(const Operator& op, const StreamInfo& info, std::string& scratch) {
  op.parameters().time->Append(info.start_system, scratch);
  return Value::Text(scratch);
}

Value EmitTime(const Operator& op, const StreamInfo& info, std::string& scratch) {
  op.parameters().time->Append(info.start_system + std::max(info.end, Duration::zero()), scratch);
  return Value::Text(scratch);
}

int64_t Millis(Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }
Value MillisOrNone(Duration d) { return d < Duration::zero() ? Value{} : Value::Number(Millis(d)); }

Value TotalDuration(const Operator&, const StreamInfo& info, std::string&) { return MillisOrNone(info.end); }
Value RequestDuration(const Operator&, const StreamInfo& info, std::string&) { return MillisOrNone(info.request_end); }
Value RequestTxDuration(const Operator&, const StreamInfo& info, std::string&) {
  return MillisOrNone(info.upstream_request_end);
}
Value ResponseDuration(const Operator&, const StreamInfo& info, std::string&) {
  return MillisOrNone(info.response_begin);
}
Value ResponseTxDuration(const Operator&, const StreamInfo& info, std::string&) {
  if (info.response_begin < Duration::zero() || info.end < Duration::zero()) return {};
  return Value::Number(Millis(info.end - info.response_begin));
}

// %COMMON_DURATION(FROM:TO:UNIT)%. The index into this list is `from` and `to`.
constexpr std::string_view kMoments[] = {"DS_RX_BEG", "DS_RX_END", "US_TX_BEG", "US_TX_END",
                                         "US_RX_BEG", "US_RX_END", "DS_TX_BEG", "DS_TX_END"};
Duration Moment(const StreamInfo& info, int moment) {
  switch (moment) {
    case 1: return info.request_end;
    case 2: return info.upstream_begin;
    case 3: return info.upstream_request_end;
    case 4: return info.response_begin;
    case 5: return info.response_end;
    case 6: return info.downstream_begin;
    case 7: return info.end;
    default: return Duration::zero();
  }
}

Value CommonDuration(const Operator& op, const StreamInfo& info, std::string&) {
  const Duration from = Moment(info, op.parameters().from);
  const Duration to = Moment(info, op.parameters().to);
  if (from < Duration::zero() || to < from) return {};
  switch (op.parameters().choice) {
    case 0: return Value::Number(Millis(to - from));
    case 1: return Value::Number(std::chrono::duration_cast<std::chrono::microseconds>(to - from).count());
    default: return Value::Number((to - from).count());
  }
}

// --- Addresses. `choice`: with port, without, the port alone.
enum AddressPart { kWhole, kIp, kPort };

Value AddressValue(const net::Address& address, int part, std::string& scratch) {
  if (address.length() == 0) return {};
  if (part == kPort) return address.is_ip() ? Value::Number(address.port()) : Value{};
  AppendAddress(address, part == kWhole, scratch);
  return Value::TextOrNone(scratch);
}

Value PeerAddress(const Operator& op, const StreamInfo& info, std::string& scratch) {
  if (info.connection == nullptr) return {};
  switch (op.parameters().choice) {
    case kWhole: return Value::TextOrNone(info.connection->peer_text);
    case kIp: return Value::TextOrNone(info.connection->peer_ip_text);
    default: return AddressValue(info.connection->peer, kPort, scratch);
  }
}

Value DirectRemoteAddress(const Operator& op, const StreamInfo& info, std::string& scratch) {
  // Only a proxy that speaks for its client makes the two differ.
  if (info.connection == nullptr || info.connection->direct_peer == info.connection->peer) {
    return PeerAddress(op, info, scratch);
  }
  return AddressValue(info.connection->direct_peer, op.parameters().choice, scratch);
}

Value RemoteAddress(const Operator& op, const StreamInfo& info, std::string& scratch) {
  if (info.remote_ip.empty() || (info.connection != nullptr && info.remote_ip == info.connection->peer_ip_text)) {
    return PeerAddress(op, info, scratch);
  }
  // An address from x-forwarded-for has no port.
  switch (op.parameters().choice) {
    case kIp: return Value::Text(info.remote_ip);
    case kPort: return Value::Number(0);
    default: {
      const bool v6 = info.remote_ip.find(':') != std::string_view::npos;
      StrAppend(scratch, v6 ? "[" : "", info.remote_ip, v6 ? "]:0" : ":0");
      return Value::Text(scratch);
    }
  }
}

Value LocalAddress(const Operator& op, const StreamInfo& info, std::string& scratch) {
  if (info.local_address == nullptr) return {};
  return AddressValue(info.local_address->LocalAddress(), op.parameters().choice, scratch);
}

Value UpstreamLocalAddress(const Operator& op, const StreamInfo& info, std::string& scratch) {
  return AddressValue(info.upstream_local, op.parameters().choice, scratch);
}

Value UpstreamRemoteAddress(const Operator& op, const StreamInfo& info, std::string&) {
  const std::string_view text = info.upstream_host_text;
  if (op.parameters().choice == kWhole || text.empty() || text.front() == '/' || text.front() == '@') {
    return op.parameters().choice == kPort ? Value{} : Value::TextOrNone(text);
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Value::Text(text);
  if (op.parameters().choice == kPort) {
    const std::optional<uint16_t> port = ParseDecimal<uint16_t>(text.substr(colon + 1));
    return port.has_value() ? Value::Number(*port) : Value{};
  }
  std::string_view ip = text.substr(0, colon);
  if (ip.size() > 2 && ip.front() == '[' && ip.back() == ']') ip = ip.substr(1, ip.size() - 2);
  return Value::Text(ip);
}

// --- Where it went, and under which names.

Value UpstreamCluster(const Operator&, const StreamInfo& info, std::string&) {
  return Value::TextOrNone(info.upstream_cluster);
}
Value UpstreamConnectionId(const Operator&, const StreamInfo& info, std::string&) {
  return Value::Number(static_cast<int64_t>(info.upstream_connection_id));
}
Value UpstreamTransportFailureReason(const Operator& op, const StreamInfo& info, std::string& scratch) {
  return Joined(info.upstream_failure_reason, op.parameters().choice == 1, scratch);
}
Value DownstreamTransportFailureReason(const Operator&, const StreamInfo& info, std::string& scratch) {
  return info.connection == nullptr ? Value{} : Joined(info.connection->transport_failure, false, scratch);
}
Value AttemptCount(const Operator&, const StreamInfo& info, std::string&) { return Value::Number(info.attempts); }
Value RouteName(const Operator&, const StreamInfo& info, std::string&) { return Value::TextOrNone(info.route_name); }
Value VirtualHostName(const Operator&, const StreamInfo& info, std::string&) {
  return Value::TextOrNone(info.virtual_host_name);
}
Value FilterChainName(const Operator&, const StreamInfo& info, std::string&) {
  return info.connection == nullptr ? Value{} : Value::TextOrNone(info.connection->filter_chain_name);
}
Value ConnectionId(const Operator&, const StreamInfo& info, std::string&) {
  return info.connection == nullptr ? Value{} : Value::Number(static_cast<int64_t>(info.connection->id));
}

Value StreamId(const Operator&, const StreamInfo& info, std::string& scratch) {
  if (info.request != nullptr) {
    const std::string_view id = info.request->headers.Value(http::HeaderId::kXRequestId);
    if (!id.empty()) return Value::Text(id);
  }
  if (info.stream_id == 0) return {};
  StrAppend(scratch, info.stream_id);
  return Value::Text(scratch);
}

Value FixedText(const Operator& op, const StreamInfo&, std::string&) { return Value::TextOrNone(op.parameters().text); }

// What a client sends may be any bytes; those that no host name has become "_".
Value RequestedServerName(const Operator&, const StreamInfo& info, std::string& scratch) {
  if (info.connection == nullptr) return {};
  std::string_view name = info.connection->requested_server_name;
  if (name.empty() && info.connection->security != nullptr) name = info.connection->security->sni();
  const auto valid = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  if (std::all_of(name.begin(), name.end(), valid)) return Value::TextOrNone(name);
  for (const char c : name) scratch.push_back(valid(c) ? c : '_');
  return Value::Text(scratch);
}
Value Ja3(const Operator&, const StreamInfo& info, std::string&) {
  return info.connection == nullptr ? Value{} : Value::TextOrNone(info.connection->ja3);
}
Value Ja4(const Operator&, const StreamInfo& info, std::string&) {
  return info.connection == nullptr ? Value{} : Value::TextOrNone(info.connection->ja4);
}

// What metadata is about, in the order of kMetadataKinds.
enum MetadataKind { kOfRoute, kOfCluster, kOfListener, kOfFilterChain };
constexpr std::string_view kMetadataKinds[] = {"ROUTE", "CLUSTER", "LISTENER", "LISTENER_FILTER_CHAIN"};

const matcher::Metadata* MetadataOf(int kind, const StreamInfo& info) {
  switch (kind) {
    case kOfRoute: return info.route_metadata;
    case kOfCluster: return info.upstream_cluster_metadata;
    case kOfListener: return info.connection == nullptr ? nullptr : info.connection->listener_metadata;
    default: return info.connection == nullptr ? nullptr : info.connection->filter_chain_metadata;
  }
}

Value Metadata(const Operator& op, const StreamInfo& info, std::string& scratch) {
  const matcher::Metadata* metadata = MetadataOf(op.parameters().choice, info);
  if (metadata == nullptr) return {};
  const auto* value = metadata->Find(op.parameters().text, op.parameters().path);
  if (value == nullptr || std::holds_alternative<std::monostate>(value->value)) return {};
  if (const std::string* text = std::get_if<std::string>(&value->value)) return Value::Text(*text);
  value->AppendJson(scratch);
  return {Value::Kind::kJson, scratch, 0};
}

// --- Parameters.

using ParameterParser = bool (*)(std::string_view parameter, Parameters& out, std::string* error);

// "NAME?ALTERNATIVE".
bool SplitNames(std::string_view parameter, std::string_view* name, std::string_view* alternative, std::string* error) {
  const size_t question = parameter.find('?');
  *name = parameter.substr(0, question);
  *alternative = question == std::string_view::npos ? std::string_view() : parameter.substr(question + 1);
  if (name->empty() || (question != std::string_view::npos && alternative->empty())) {
    *error = "needs a header's name, or two as (FIRST?ALTERNATIVE)";
    return false;
  }
  if (alternative->find('?') != std::string_view::npos) {
    *error = "takes one alternative at most";
    return false;
  }
  return true;
}

bool ParseRequestFields(std::string_view parameter, Parameters& out, std::string* error) {
  std::string_view name, alternative;
  if (!SplitNames(parameter, &name, &alternative, error)) return false;
  out.request.emplace(name);
  if (!alternative.empty()) out.request_alternative.emplace(alternative);
  return true;
}

bool ParseHeaders(std::string_view parameter, Parameters& out, std::string* error) {
  std::string_view name, alternative;
  if (!SplitNames(parameter, &name, &alternative, error)) return false;
  if (EqualsIgnoreCase(name, ":status")) out.choice = 1;
  out.header.emplace(name);
  if (!alternative.empty()) out.header_alternative.emplace(alternative);
  return true;
}

bool ParseTime(std::string_view pattern, TimeFormat::Zone zone, Parameters& out, std::string* error) {
  TimeFormat format;
  if (!TimeFormat::Parse(pattern, zone, &format, error)) return false;
  out.time = std::move(format);
  return true;
}
bool ParseUtcTime(std::string_view parameter, Parameters& out, std::string* error) {
  return ParseTime(parameter, TimeFormat::Zone::kUtc, out, error);
}
bool ParseLocalTime(std::string_view parameter, Parameters& out, std::string* error) {
  return ParseTime(parameter, TimeFormat::Zone::kLocal, out, error);
}

bool ParseMoments(std::string_view parameter, Parameters& out, std::string* error) {
  std::vector<std::string_view> parts;
  for (size_t at = 0; at <= parameter.size();) {
    const size_t colon = std::min(parameter.find(':', at), parameter.size());
    parts.push_back(parameter.substr(at, colon - at));
    at = colon + 1;
  }
  if (parts.size() != 3) {
    *error = "needs (FROM:TO:UNIT)";
    return false;
  }
  for (int i = 0; i < 2; ++i) {
    const auto it = std::find(std::begin(kMoments), std::end(kMoments), parts[i]);
    if (it == std::end(kMoments)) {
      *error = StrCat("unknown moment ", parts[i], "; known are DS_RX_BEG, DS_RX_END, US_TX_BEG, US_TX_END, US_RX_BEG, "
                      "US_RX_END, DS_TX_BEG and DS_TX_END");
      return false;
    }
    (i == 0 ? out.from : out.to) = static_cast<int>(it - std::begin(kMoments));
  }
  constexpr std::string_view kUnits[] = {"ms", "us", "ns"};
  const auto unit = std::find(std::begin(kUnits), std::end(kUnits), parts[2]);
  if (unit == std::end(kUnits)) {
    *error = StrCat("unknown unit ", parts[2], "; known are ms, us and ns");
    return false;
  }
  out.choice = static_cast<int>(unit - std::begin(kUnits));
  return true;
}

bool ParseEnvironment(std::string_view parameter, Parameters& out, std::string* error) {
  if (parameter.empty()) {
    *error = "needs a variable's name";
    return false;
  }
  const char* value = getenv(std::string(parameter).c_str());
  if (value != nullptr) out.text = value;
  return true;
}

bool ParseHostname(std::string_view, Parameters& out, std::string*) {
  char name[256] = {};
  if (gethostname(name, sizeof(name) - 1) == 0) out.text = name;
  return true;
}

bool ParseAllowWhitespaces(std::string_view parameter, Parameters& out, std::string* error) {
  if (parameter != "ALLOW_WHITESPACES") {
    *error = StrCat("unknown parameter ", parameter, "; known is ALLOW_WHITESPACES");
    return false;
  }
  out.choice = 1;
  return true;
}

bool ParseGrpcStatusFormat(std::string_view parameter, Parameters& out, std::string* error) {
  constexpr std::string_view kForms[] = {"CAMEL_STRING", "SNAKE_STRING", "NUMBER"};
  const auto form = std::find(std::begin(kForms), std::end(kForms), parameter);
  if (form == std::end(kForms)) {
    *error = StrCat("unknown parameter ", parameter, "; known are CAMEL_STRING, SNAKE_STRING and NUMBER");
    return false;
  }
  out.choice = static_cast<int>(form - std::begin(kForms));
  return true;
}

// "NAMESPACE:KEY:KEY...".
bool ParseMetadataPath(std::string_view parameter, Parameters& out, std::string* error) {
  for (size_t at = 0, part = 0; at <= parameter.size(); ++part) {
    const size_t colon = std::min(parameter.find(':', at), parameter.size());
    const std::string_view text = parameter.substr(at, colon - at);
    if (text.empty()) {
      *error = "needs (NAMESPACE:KEY...) without empty parts";
      return false;
    }
    if (part == 0) {
      out.text = text;
    } else {
      out.path.emplace_back(text);
    }
    at = colon + 1;
  }
  return true;
}

bool ParseMetadata(std::string_view parameter, Parameters& out, std::string* error) {
  const size_t colon = parameter.find(':');
  const std::string_view type = parameter.substr(0, colon);
  const auto* kind = std::find(std::begin(kMetadataKinds), std::end(kMetadataKinds), type);
  if (kind == std::end(kMetadataKinds)) {
    *error =
        StrCat("unknown kind of metadata ", type, "; known are ROUTE, CLUSTER, LISTENER and LISTENER_FILTER_CHAIN");
    return false;
  }
  out.choice = static_cast<int>(kind - std::begin(kMetadataKinds));
  return ParseMetadataPath(colon == std::string_view::npos ? "" : parameter.substr(colon + 1), out, error);
}

bool ParseClusterMetadata(std::string_view parameter, Parameters& out, std::string* error) {
  out.choice = kOfCluster;
  return ParseMetadataPath(parameter, out, error);
}

// --- The table.

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
    {"METADATA", Metadata, P::kRequired, ParseMetadata, false, true},
    {"CLUSTER_METADATA", Metadata, P::kRequired, ParseClusterMetadata, false, true},
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

void AppendAddress(const net::Address& address, bool with_port, std::string& out) {
  if (address.family() == AF_INET) {
    const std::string_view bytes = address.IpBytes();
    for (size_t i = 0; i < bytes.size(); ++i) {
      StrAppend(out, i == 0 ? "" : ".", static_cast<unsigned>(static_cast<unsigned char>(bytes[i])));
    }
    if (with_port) StrAppend(out, ':', address.port());
    return;
  }
  out += with_port ? address.ToString() : address.IpText();
}

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
