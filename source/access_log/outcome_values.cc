#include "source/access_log/outcome_values.h"

#include <iterator>

#include "source/access_log/grpc_status.h"
#include "source/http/grpc/status.h"

namespace nuncio::access_log {
namespace {

// Without ALLOW_WHITESPACES, so that a line can be split at spaces.
Value Joined(std::string_view text, bool keep_spaces, std::string& scratch) {
  if (keep_spaces || text.find_first_of(" \t\n\v\f\r") == std::string_view::npos) return Value::TextOrNone(text);
  for (const char c : text) scratch.push_back(c == ' ' || (c >= '\t' && c <= '\r') ? '_' : c);
  return Value::Text(scratch);
}

}  // namespace

Value ResponseCode(const Operator&, const StreamInfo& info, std::string&) { return Value::Number(info.response_code); }

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

Value UpstreamTransportFailureReason(const Operator& op, const StreamInfo& info, std::string& scratch) {
  return Joined(info.upstream_failure_reason, op.parameters().choice == 1, scratch);
}
Value DownstreamTransportFailureReason(const Operator&, const StreamInfo& info, std::string& scratch) {
  return info.connection == nullptr ? Value{} : Joined(info.connection->transport_failure, false, scratch);
}
Value AttemptCount(const Operator&, const StreamInfo& info, std::string&) { return Value::Number(info.attempts); }

}  // namespace nuncio::access_log
