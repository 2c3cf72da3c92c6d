#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "source/control/model/resource.h"
#include "source/control/model/resource_fault.h"

namespace nuncio::control {

struct SetCheckOptions {
  // Clusters that the proxies have beside those of the set: from their bootstrap.
  std::set<std::string> static_clusters;
  // Whether references may lead out of the set.
  bool partial = false;
  // Where resources stand in the push, for faults.
  std::map<ResourceKey, uint32_t> index_of;
};

// Checks what no resource tells by itself: references that lead nowhere, and listeners that bind the same address.
void CheckSet(const ResourceSet& set, const SetCheckOptions& options, ResourceFaults& faults);

}  // namespace nuncio::control
