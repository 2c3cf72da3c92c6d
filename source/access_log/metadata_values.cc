#include "source/access_log/metadata_values.h"

#include <variant>

#include "source/matcher/metadata.h"

namespace nuncio::access_log {
namespace {

const matcher::Metadata* MetadataOf(int kind, const StreamInfo& info) {
  switch (kind) {
    case kOfRoute: return info.route_metadata;
    case kOfCluster: return info.upstream_cluster_metadata;
    case kOfListener: return info.connection == nullptr ? nullptr : info.connection->listener_metadata;
    default: return info.connection == nullptr ? nullptr : info.connection->filter_chain_metadata;
  }
}

}  // namespace

Value MetadataValue(const Operator& op, const StreamInfo& info, std::string& scratch) {
  const matcher::Metadata* metadata = MetadataOf(op.parameters().choice, info);
  if (metadata == nullptr) return {};
  const auto* value = metadata->Find(op.parameters().text, op.parameters().path);
  if (value == nullptr || std::holds_alternative<std::monostate>(value->value)) return {};
  if (const std::string* text = std::get_if<std::string>(&value->value)) return Value::Text(*text);
  value->AppendJson(scratch);
  return {Value::Kind::kJson, scratch, 0};
}

}  // namespace nuncio::access_log
