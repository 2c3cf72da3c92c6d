#pragma once

#include "source/config/subscription.h"

// The kinds of resources that are compiled here, for those who subscribe to them.
namespace nuncio::upstream {

// "type.googleapis.com/envoy.config.cluster.v3.Cluster"; compiles to ClusterConfig.
const config::ResourceType& ClusterResourceType();

// "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"; compiles to ClusterAssignment, without names to
// look up.
const config::ResourceType& AssignmentResourceType();

}  // namespace nuncio::upstream
