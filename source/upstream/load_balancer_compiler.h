#pragma once

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "source/config/fault.h"
#include "source/upstream/cluster_config.h"

namespace nuncio::upstream {

// `lb_policy`, `least_request_lb_config`, `common_lb_config` and `load_balancing_policy` of a cluster. With faults the
// result is not to be used.
LoadBalancerConfig CompileLoadBalancer(const envoy::config::cluster::v3::Cluster& cluster, config::Faults& faults);

}  // namespace nuncio::upstream
