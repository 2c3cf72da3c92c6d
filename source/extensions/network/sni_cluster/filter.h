#pragma once

#include "source/filter/network_filter.h"

namespace nuncio::extensions {

// Has connections forwarded to the cluster that their server name names.
class SniCluster final : public filter::NetworkFilter {
 public:
  filter::NetworkFilterVerdict OnNewConnection(filter::AcceptedConnection& connection) override {
    if (!connection.facts.server_name.empty()) connection.facts.upstream_cluster = connection.facts.server_name;
    return filter::NetworkFilterVerdict::kContinue;
  }
};

}  // namespace nuncio::extensions
