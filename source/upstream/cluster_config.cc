#include "source/upstream/cluster_config.h"

namespace nuncio::upstream {
namespace {

bool Meets(const matcher::MetadataValue* have, const matcher::MetadataValue::Fields& criteria) {
  const auto* fields = have == nullptr ? nullptr : std::get_if<matcher::MetadataValue::Fields>(&have->value);
  for (const auto& [name, wanted] : criteria) {
    if (fields == nullptr) return false;
    const auto found = fields->find(name);
    if (found == fields->end() || !(found->second == wanted)) return false;
  }
  return true;
}

}  // namespace

size_t ClusterConfig::SocketFor(const matcher::Metadata* metadata) const {
  if (sockets.size() == 1) return 0;
  const matcher::MetadataValue* have =
      metadata == nullptr ? nullptr : metadata->Find("envoy.transport_socket_match", {});
  for (size_t i = 1; i < sockets.size(); ++i) {
    if (Meets(have, *sockets[i].criteria)) return i;
  }
  return 0;
}

}  // namespace nuncio::upstream
