#pragma once

#include "envoy/config/core/v3/base.pb.h"
#include "envoy/config/core/v3/health_check.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "source/upstream/host_set.h"

// Hosts as the API writes them down.
namespace nuncio::admin {

envoy::config::core::v3::HealthStatus ToProto(upstream::HealthStatus health);
void FillLocality(const upstream::Locality& locality, envoy::config::core::v3::Locality& out);
// The members of a cluster as they are now, as an assignment.
void FillAssignment(const std::string& cluster, const upstream::HostSet& hosts,
                    envoy::config::endpoint::v3::ClusterLoadAssignment& out);

}  // namespace nuncio::admin
