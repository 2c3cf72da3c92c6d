#pragma once

#include <string>

#include "source/access_log/operator.h"

// The operators about addresses. Their choice is an AddressPart.
namespace nuncio::access_log {

enum AddressPart : int { kWhole, kIp, kPort };

Value DirectRemoteAddress(const Operator& op, const StreamInfo& info, std::string& scratch);
Value RemoteAddress(const Operator& op, const StreamInfo& info, std::string& scratch);
Value LocalAddress(const Operator& op, const StreamInfo& info, std::string& scratch);
Value UpstreamLocalAddress(const Operator& op, const StreamInfo& info, std::string& scratch);
Value UpstreamRemoteAddress(const Operator& op, const StreamInfo& info, std::string& scratch);

}  // namespace nuncio::access_log
