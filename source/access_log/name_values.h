#pragma once

#include <string>

#include "source/access_log/operator.h"

// The operators about names and numbers of what a request went through.
namespace nuncio::access_log {

Value UpstreamCluster(const Operator& op, const StreamInfo& info, std::string& scratch);
Value UpstreamConnectionId(const Operator& op, const StreamInfo& info, std::string& scratch);
Value RouteName(const Operator& op, const StreamInfo& info, std::string& scratch);
Value VirtualHostName(const Operator& op, const StreamInfo& info, std::string& scratch);
Value FilterChainName(const Operator& op, const StreamInfo& info, std::string& scratch);
Value ConnectionId(const Operator& op, const StreamInfo& info, std::string& scratch);
Value StreamId(const Operator& op, const StreamInfo& info, std::string& scratch);
Value FixedText(const Operator& op, const StreamInfo& info, std::string& scratch);
Value RequestedServerName(const Operator& op, const StreamInfo& info, std::string& scratch);
Value Ja3(const Operator& op, const StreamInfo& info, std::string& scratch);
Value Ja4(const Operator& op, const StreamInfo& info, std::string& scratch);

}  // namespace nuncio::access_log
