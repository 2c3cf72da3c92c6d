#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nuncio::route {

// What a virtual host, a route or one of its clusters says to an HTTP filter. Immutable; only the filter's own code
// knows what is in it.
class FilterSettings {
 public:
  virtual ~FilterSettings() = default;
};

// The entry of `typed_per_filter_config` for one filter.
struct PerFilterConfig {
  // Of the filter in the connection manager's chain.
  std::string name;
  // The filter's kind: settings go only to a filter of that kind, whatever its name. Static storage; empty where there
  // are no settings.
  std::string_view filter_type;
  // The filter is left out; false puts in one that is off by default.
  bool disabled = false;
  std::shared_ptr<const FilterSettings> settings;
};

// In the order of names.
using PerFilterConfigs = std::vector<PerFilterConfig>;

// Null where there is none. A list is short: it is searched from the front.
inline const PerFilterConfig* FindPerFilterConfig(const PerFilterConfigs& configs, std::string_view name) {
  for (const PerFilterConfig& config : configs) {
    if (config.name == name) return &config;
  }
  return nullptr;
}

}  // namespace nuncio::route
