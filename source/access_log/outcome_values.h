#pragma once

#include <string>

#include "source/access_log/operator.h"

// The operators about what became of a request and its connection.
namespace nuncio::access_log {

Value ResponseCode(const Operator& op, const StreamInfo& info, std::string& scratch);
Value ResponseCodeDetails(const Operator& op, const StreamInfo& info, std::string& scratch);
Value ConnectionTerminationDetails(const Operator& op, const StreamInfo& info, std::string& scratch);
Value Flags(const Operator& op, const StreamInfo& info, std::string& scratch);
Value GrpcStatus(const Operator& op, const StreamInfo& info, std::string& scratch);
Value UpstreamTransportFailureReason(const Operator& op, const StreamInfo& info, std::string& scratch);
Value DownstreamTransportFailureReason(const Operator& op, const StreamInfo& info, std::string& scratch);
Value AttemptCount(const Operator& op, const StreamInfo& info, std::string& scratch);

}  // namespace nuncio::access_log
