#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/base/rarely.h"
#include "source/config/subscription.h"
#include "source/matcher/metadata.h"
#include "source/net/address.h"
#include "source/upstream/locality.h"

namespace nuncio::upstream {

// What discovery says of an endpoint, as envoy.config.core.v3.HealthStatus.
enum class HealthStatus : uint8_t { kUnknown, kHealthy, kUnhealthy, kDraining, kTimeout, kDegraded };

// "healthy", "unhealthy"...; as the enum's values in lower case.
std::string_view HealthStatusName(HealthStatus health);

// An endpoint as configured: an address, or a name to look up.
struct EndpointConfig {
  // Of no family where `dns_name` is to be looked up.
  net::Address address;
  // Not empty only in STRICT_DNS and LOGICAL_DNS clusters.
  Rarely<std::string> dns_name;
  Rarely<std::string> hostname;
  // Null: none.
  std::shared_ptr<const matcher::Metadata> metadata;
  // At least 1.
  uint32_t weight = 1;
  uint16_t dns_port = 0;
  HealthStatus health = HealthStatus::kUnknown;

  bool is_name() const { return !dns_name->empty(); }
};

struct LocalityConfig {
  Locality locality;
  // 0: no traffic when locality weights count.
  uint32_t weight = 0;
  // 0 to 128.
  uint32_t priority = 0;
  std::vector<EndpointConfig> endpoints;
};

// The endpoints of a cluster, from envoy.config.endpoint.v3.ClusterLoadAssignment: a part of a cluster's configuration
// or a resource of its own. Priorities may have gaps: one without localities is one without hosts.
struct ClusterAssignment : config::CompiledResource {
  std::string cluster_name;
  // In percent, above 0.
  uint32_t overprovisioning_factor = 140;
  std::vector<LocalityConfig> localities;
};

}  // namespace nuncio::upstream
