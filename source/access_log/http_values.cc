#include "source/access_log/http_values.h"

namespace nuncio::access_log {
namespace {

Value FromHeaders(const Operator& op, const http::HeaderMap& headers) {
  for (const auto* name : {&op.parameters().header, &op.parameters().header_alternative}) {
    if (!name->has_value()) continue;
    const http::HeaderField* field =
        (*name)->id == http::HeaderId::kOther ? headers.Find((*name)->name) : headers.Find((*name)->id);
    if (field != nullptr) return Value::TextOrNone(field->value);
  }
  return {};
}

}  // namespace

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

Value BytesReceived(const Operator&, const StreamInfo& info, std::string&) {
  return Value::Number(static_cast<int64_t>(info.bytes_received));
}
Value BytesSent(const Operator&, const StreamInfo& info, std::string&) {
  return Value::Number(static_cast<int64_t>(info.bytes_sent));
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

}  // namespace nuncio::access_log
