#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "source/base/strings.h"
#include "source/route/config.h"

namespace nuncio::route {

std::vector<ClusterReference> ClusterReferences(const envoy::config::route::v3::RouteConfiguration& message) {
  std::vector<ClusterReference> references;
  for (int v = 0; v < message.virtual_hosts_size(); ++v) {
    const auto& routes = message.virtual_hosts(v).routes();
    for (int r = 0; r < routes.size(); ++r) {
      const auto& action = routes[r].route();
      const auto add = [&](const std::string& cluster, const std::string& field) {
        if (cluster.empty()) return;
        references.push_back({cluster, StrCat("virtual_hosts[", v, "].routes[", r, "].route.", field)});
      };
      add(action.cluster(), "cluster");
      const auto& weighted = action.weighted_clusters().clusters();
      for (int c = 0; c < weighted.size(); ++c) {
        add(weighted[c].name(), StrCat("weighted_clusters.clusters[", c, "].name"));
      }
    }
  }
  return references;
}

std::vector<std::string> ReferencedClusters(const envoy::config::route::v3::RouteConfiguration& message) {
  std::vector<std::string> clusters;
  absl::flat_hash_set<std::string> seen;
  for (ClusterReference& reference : ClusterReferences(message)) {
    if (seen.insert(reference.cluster).second) clusters.push_back(std::move(reference.cluster));
  }
  return clusters;
}

}  // namespace nuncio::route
