#include "source/access_log/address_values.h"

#include <optional>

#include "source/base/strings.h"
#include "source/net/address.h"

namespace nuncio::access_log {
namespace {

// Allocates nothing for IPv4.
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

}  // namespace

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

}  // namespace nuncio::access_log
