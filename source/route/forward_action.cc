#include "source/route/forward_action.h"

#include <algorithm>

#include "source/base/strings.h"

namespace nuncio::route {

const WeightedCluster& WeightedClusters::Choose(const http::RequestHead& request, uint64_t random) const {
  uint64_t draw = random;
  std::string_view text;
  if (random_value_field.has_value() && random_value_field->First(request, &text)) {
    draw = ParseDecimal<uint64_t>(text).value_or(random);
  }
  draw %= total_weight;
  const auto chosen = std::upper_bound(clusters.begin(), clusters.end(), draw,
                                       [](uint64_t d, const WeightedCluster& c) { return d < c.cumulative_weight; });
  return *chosen;
}

}  // namespace nuncio::route
