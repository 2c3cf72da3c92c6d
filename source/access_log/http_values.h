#pragma once

#include <string>

#include "source/access_log/operator.h"

// The operators about the messages of a request and its answer.
namespace nuncio::access_log {

Value Req(const Operator& op, const StreamInfo& info, std::string& scratch);
Value Resp(const Operator& op, const StreamInfo& info, std::string& scratch);
Value Trailer(const Operator& op, const StreamInfo& info, std::string& scratch);
Value Protocol(const Operator& op, const StreamInfo& info, std::string& scratch);
Value BytesReceived(const Operator& op, const StreamInfo& info, std::string& scratch);
Value BytesSent(const Operator& op, const StreamInfo& info, std::string& scratch);
Value RequestHeadersBytes(const Operator& op, const StreamInfo& info, std::string& scratch);
Value ResponseHeadersBytes(const Operator& op, const StreamInfo& info, std::string& scratch);

}  // namespace nuncio::access_log
