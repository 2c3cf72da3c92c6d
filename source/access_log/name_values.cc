#include "source/access_log/name_values.h"

#include <algorithm>

#include "source/base/strings.h"

namespace nuncio::access_log {
Value UpstreamCluster(const Operator&, const StreamInfo& info, std::string&) {
  return Value::TextOrNone(info.upstream_cluster);
}
Value UpstreamConnectionId(const Operator&, const StreamInfo& info, std::string&) {
  return Value::Number(static_cast<int64_t>(info.upstream_connection_id));
}

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

}  // namespace nuncio::access_log
