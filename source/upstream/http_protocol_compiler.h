#pragma once

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "source/config/fault.h"
#include "source/upstream/cluster_config.h"

namespace nuncio::upstream {

// The protocol of a cluster's connections and its settings, from HttpProtocolOptions in
// `typed_extension_protocol_options` or from the older fields of the cluster; not from both. With faults what is in
// `out` is not to be used.
void CompileHttpProtocol(const envoy::config::cluster::v3::Cluster& cluster, ClusterConfig& out,
                         config::Faults& faults);

}  // namespace nuncio::upstream
