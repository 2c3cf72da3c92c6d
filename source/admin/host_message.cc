#include "source/admin/host_message.h"

#include "source/admin/address_message.h"

namespace nuncio::admin {

namespace core = envoy::config::core::v3;

core::HealthStatus ToProto(upstream::HealthStatus health) {
  switch (health) {
    case upstream::HealthStatus::kUnknown:
      return core::UNKNOWN;
    case upstream::HealthStatus::kHealthy:
      return core::HEALTHY;
    case upstream::HealthStatus::kUnhealthy:
      return core::UNHEALTHY;
    case upstream::HealthStatus::kDraining:
      return core::DRAINING;
    case upstream::HealthStatus::kTimeout:
      return core::TIMEOUT;
    case upstream::HealthStatus::kDegraded:
      return core::DEGRADED;
  }
  return core::UNKNOWN;
}

void FillLocality(const upstream::Locality& locality, core::Locality& out) {
  out.set_region(locality.region());
  out.set_zone(locality.zone());
  out.set_sub_zone(locality.sub_zone());
}

void FillAssignment(const std::string& cluster, const upstream::HostSet& hosts,
                    envoy::config::endpoint::v3::ClusterLoadAssignment& out) {
  out.set_cluster_name(cluster);
  for (const upstream::LocalityHosts& locality : hosts.localities()) {
    auto& endpoints = *out.add_endpoints();
    if (!locality.locality.empty()) FillLocality(locality.locality, *endpoints.mutable_locality());
    if (locality.weight > 0) endpoints.mutable_load_balancing_weight()->set_value(locality.weight);
    endpoints.set_priority(locality.priority);
    for (const upstream::HostChunkPtr& chunk : locality.chunks) {
      for (const upstream::HostEntry& entry : chunk->entries) {
        auto& endpoint = *endpoints.add_lb_endpoints();
        FillAddress(entry.host->address(), *endpoint.mutable_endpoint()->mutable_address());
        endpoint.mutable_endpoint()->set_hostname(entry.host->hostname());
        endpoint.set_health_status(ToProto(entry.health));
        endpoint.mutable_load_balancing_weight()->set_value(entry.weight);
      }
    }
  }
  out.mutable_policy()->mutable_overprovisioning_factor()->set_value(hosts.overprovisioning_factor());
}

}  // namespace nuncio::admin
