#include "source/control/model/form_checks.h"

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "envoy/extensions/transport_sockets/tls/v3/secret.pb.h"
#include "source/config/data_source.h"
#include "source/extensions/http_filter_types.h"
#include "source/listener/listener_compiler.h"
#include "source/proxy/config.h"
#include "source/route/config.h"
#include "source/tls/context_compiler.h"
#include "source/upstream/cluster_compiler.h"

namespace nuncio::control {
namespace {

using ::envoy::config::cluster::v3::Cluster;
using ::envoy::config::endpoint::v3::ClusterLoadAssignment;
using ::envoy::config::listener::v3::Listener;
using ::envoy::config::route::v3::RouteConfiguration;
using ::envoy::extensions::transport_sockets::tls::v3::Secret;

// Files that a configuration names are the proxies', not this machine's.
constexpr auto kAccess = config::DataSourceAccess::kNamesOnly;

void CheckListener(const Listener& listener, config::Faults& faults) {
  // For gRPC's own clients, which take other things than a proxy does, and no address.
  if (listener.has_api_listener() && !listener.has_address()) return;
  listener::CompileListener(listener, kAccess, faults);
}

}  // namespace

void CheckForm(const google::protobuf::Message& resource, config::Faults& faults) {
  const google::protobuf::Descriptor* type = resource.GetDescriptor();
  if (type == Cluster::descriptor()) {
    upstream::CompileCluster(static_cast<const Cluster&>(resource), kAccess, faults);
  } else if (type == ClusterLoadAssignment::descriptor()) {
    upstream::CompileAssignment(static_cast<const ClusterLoadAssignment&>(resource), false, faults);
  } else if (type == RouteConfiguration::descriptor()) {
    route::CompileRouteTable(static_cast<const RouteConfiguration&>(resource),
                             {.formatters = &proxy::HeaderFormatters(),
                              .filters = &extensions::HttpFilterTypes(),
                              .data_sources = kAccess,
                              .previous = nullptr},
                             faults);
  } else if (type == Listener::descriptor()) {
    CheckListener(static_cast<const Listener&>(resource), faults);
  } else if (type == Secret::descriptor()) {
    tls::CompileSecret(static_cast<const Secret&>(resource), kAccess, faults);
  }
}

}  // namespace nuncio::control
