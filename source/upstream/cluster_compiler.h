#pragma once

#include <memory>
#include <optional>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/core/v3/address.pb.h"
#include "envoy/config/core/v3/extension.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "source/config/data_source.h"
#include "source/config/fault.h"
#include "source/upstream/cluster_config.h"

// From the API's messages to what the proxy works with. Pure. Every message in hand must have passed
// config::CheckMessage; those within an Any are checked here. Functions return null, or nothing, if and only if they
// added a fault, but where said otherwise.
namespace nuncio::upstream {

std::shared_ptr<const ClusterConfig> CompileCluster(const envoy::config::cluster::v3::Cluster& cluster,
                                                    config::DataSourceAccess access, config::Faults& faults);

// `names_allowed`: endpoints may be names to look up.
std::shared_ptr<const ClusterAssignment> CompileAssignment(
    const envoy::config::endpoint::v3::ClusterLoadAssignment& assignment, bool names_allowed, config::Faults& faults);

// Within the Scope of the field. What is returned with faults is not to be used.
BindOptions CompileBindConfig(const envoy::config::core::v3::BindConfig& bind, config::Faults& faults);
net::TcpKeepalive CompileKeepalive(const envoy::config::core::v3::TcpKeepalive& keepalive);
std::optional<net::DnsOptions> CompileDnsResolver(const envoy::config::core::v3::TypedExtensionConfig& extension,
                                                  config::Faults& faults);

}  // namespace nuncio::upstream
