#include "source/route/cluster_check.h"

#include "source/base/strings.h"

namespace nuncio::route {

void FindUnknownClusters(const RouteTable& table, const std::function<bool(std::string_view)>& known,
                         const std::function<void(std::string_view, const std::string&)>& unknown) {
  for (size_t h = 0; h < table.virtual_hosts().size(); ++h) {
    const auto& routes = table.virtual_hosts()[h]->routes();
    for (size_t r = 0; r < routes.size(); ++r) {
      const ForwardAction* forward = routes[r].forward();
      if (forward == nullptr) continue;
      const std::string where = StrCat("virtual_hosts[", h, "].routes[", r, "].route");
      if (const auto* name = std::get_if<std::string>(&forward->cluster); name != nullptr && !known(*name)) {
        unknown(*name, StrCat(where, ".cluster"));
      }
      const auto* weighted = std::get_if<std::unique_ptr<const WeightedClusters>>(&forward->cluster);
      if (weighted == nullptr) continue;
      const auto& clusters = (*weighted)->clusters;
      for (size_t c = 0; c < clusters.size(); ++c) {
        if (clusters[c].name.empty() || known(clusters[c].name)) continue;
        unknown(clusters[c].name, StrCat(where, ".weighted_clusters.clusters[", c, "].name"));
      }
    }
  }
}

}  // namespace nuncio::route
