#pragma once

#include <string>
#include <tuple>

namespace nuncio::upstream {

// Where something runs, as envoy.config.core.v3.Locality. Compared as a whole.
struct Locality {
  std::string region;
  std::string zone;
  std::string sub_zone;

  bool empty() const { return region.empty() && zone.empty() && sub_zone.empty(); }
  bool operator==(const Locality&) const = default;
  bool operator<(const Locality& other) const {
    return std::tie(region, zone, sub_zone) < std::tie(other.region, other.zone, other.sub_zone);
  }
};

}  // namespace nuncio::upstream
