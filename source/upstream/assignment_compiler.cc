#include <map>
#include <utility>

#include "google/protobuf/descriptor.h"
#include "source/base/strings.h"
#include "source/config/typed_config.h"
#include "source/matcher/config.h"
#include "source/upstream/cluster_compiler.h"
#include "source/upstream/resource_types.h"

namespace nuncio::upstream {
namespace {

namespace core = envoy::config::core::v3;
namespace endpoint = envoy::config::endpoint::v3;

Locality ToLocality(const core::Locality& locality) {
  return {locality.region(), locality.zone(), locality.sub_zone()};
}

void CompileSocketAddress(const core::SocketAddress& address, bool names_allowed, EndpointConfig& out,
                          config::Faults& faults) {
  const auto port = static_cast<uint16_t>(address.port_value());
  absl::StatusOr<net::Address> ip = net::Address::FromIp(address.address(), port);
  if (ip.ok()) {
    out.address = *ip;
    return;
  }
  if (!names_allowed) {
    faults.Add("address", StrCat("must be an IP address (is ", config::Quote(address.address()),
                                 "): names are looked up in clusters of type STRICT_DNS and LOGICAL_DNS only"));
    return;
  }
  // RFC 1035 2.3.4. What else a name may hold is the resolver's to say.
  if (address.address().size() > 253) {
    faults.Add("address", "must be a host name of at most 253 bytes");
    return;
  }
  out.dns_name = std::string(address.address());
  out.dns_port = port;
}

void CompileAddress(const core::Address& address, bool names_allowed, EndpointConfig& out, config::Faults& faults) {
  if (address.has_pipe()) {
    const config::Faults::Scope scope(faults, "pipe");
    if (names_allowed) {
      faults.Add("is a socket path, which no DNS knows: use a cluster of type STATIC");
      return;
    }
    absl::StatusOr<net::Address> path = net::Address::FromPath(address.pipe().path());
    if (!path.ok()) {
      faults.Add("path", ToStd(path.status().message()));
      return;
    }
    out.address = *path;
    return;
  }
  const config::Faults::Scope scope(faults, "socket_address");
  CompileSocketAddress(address.socket_address(), names_allowed, out, faults);
}

HealthStatus ToHealth(core::HealthStatus health, config::Faults& faults) {
  switch (health) {
    case core::UNKNOWN:
      return HealthStatus::kUnknown;
    case core::HEALTHY:
      return HealthStatus::kHealthy;
    case core::UNHEALTHY:
      return HealthStatus::kUnhealthy;
    case core::DRAINING:
      return HealthStatus::kDraining;
    case core::TIMEOUT:
      return HealthStatus::kTimeout;
    case core::DEGRADED:
      return HealthStatus::kDegraded;
    default:
      faults.Add("health_status", StrCat("is no health status that there is (is ", static_cast<int>(health), ")"));
      return HealthStatus::kUnknown;
  }
}

EndpointConfig CompileEndpoint(const endpoint::LbEndpoint& from, bool names_allowed, config::Faults& faults) {
  EndpointConfig out;
  out.health = ToHealth(from.health_status(), faults);
  if (from.has_load_balancing_weight()) out.weight = from.load_balancing_weight().value();
  if (from.has_metadata()) {
    const config::Faults::Scope scope(faults, "metadata");
    auto metadata = std::make_shared<const matcher::Metadata>(matcher::CompileMetadata(from.metadata(), faults));
    if (!metadata->empty()) out.metadata = std::move(metadata);
  }
  if (!from.has_endpoint()) {
    faults.Add("endpoint", "must be set");
    return out;
  }
  const config::Faults::Scope scope(faults, "endpoint");
  if (!from.endpoint().hostname().empty()) out.hostname = std::string(from.endpoint().hostname());
  if (!from.endpoint().has_address()) {
    faults.Add("address", "must be set");
    return out;
  }
  const config::Faults::Scope address_scope(faults, "address");
  CompileAddress(from.endpoint().address(), names_allowed, out, faults);
  if (out.hostname->empty()) out.hostname = out.dns_name;
  return out;
}

class AssignmentType final : public config::ResourceType {
 public:
  std::string_view type_url() const override {
    return "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";
  }
  bool absence_is_removal() const override { return false; }
  std::shared_ptr<const config::CompiledResource> Compile(std::string_view bytes, std::string& name,
                                                          config::Faults& faults) const override {
    endpoint::ClusterLoadAssignment message;
    const bool good = config::ParseAndCheck(bytes, message, faults);
    name = message.cluster_name();
    return good ? CompileAssignment(message, /*names_allowed=*/false, faults) : nullptr;
  }
};

}  // namespace

std::shared_ptr<const ClusterAssignment> CompileAssignment(const endpoint::ClusterLoadAssignment& assignment,
                                                           bool names_allowed, config::Faults& faults) {
  const size_t faults_before = faults.count();
  auto out = std::make_shared<ClusterAssignment>();
  out->cluster_name = assignment.cluster_name();
  if (assignment.policy().has_overprovisioning_factor()) {
    out->overprovisioning_factor = assignment.policy().overprovisioning_factor().value();
  }
  // A locality that is listed more than once at one priority is one.
  std::map<std::pair<uint32_t, Locality>, size_t> places;
  std::map<std::pair<uint32_t, Locality>, uint64_t> weight_sums;
  std::map<uint32_t, uint64_t> locality_weight_sums;
  for (int i = 0; i < assignment.endpoints_size(); ++i) {
    const endpoint::LocalityLbEndpoints& from = assignment.endpoints(i);
    const config::Faults::Scope scope(faults, "endpoints", static_cast<size_t>(i));
    const std::pair<uint32_t, Locality> key(from.priority(), ToLocality(from.locality()));
    const auto [place, is_new] = places.try_emplace(key, out->localities.size());
    if (is_new) out->localities.push_back({key.second, 0, key.first, {}});
    LocalityConfig& locality = out->localities[place->second];
    if (from.has_load_balancing_weight()) {
      locality.weight = from.load_balancing_weight().value();
      locality_weight_sums[from.priority()] += locality.weight;
    }
    locality.endpoints.reserve(locality.endpoints.size() + static_cast<size_t>(from.lb_endpoints_size()));
    uint64_t& weight_sum = weight_sums[key];
    for (int j = 0; j < from.lb_endpoints_size(); ++j) {
      const config::Faults::Scope endpoint_scope(faults, "lb_endpoints", static_cast<size_t>(j));
      locality.endpoints.push_back(CompileEndpoint(from.lb_endpoints(j), names_allowed, faults));
      weight_sum += locality.endpoints.back().weight;
    }
    if (weight_sum > UINT32_MAX) {
      faults.Add("lb_endpoints", StrCat("have weights that add up to ", weight_sum, ": at most ", UINT32_MAX,
                                        " in one locality"));
    }
  }
  for (const auto& [priority, sum] : locality_weight_sums) {
    if (sum <= UINT32_MAX) continue;
    faults.Add("endpoints", StrCat("have locality weights that add up to ", sum, " at priority ", priority,
                                   ": at most ", UINT32_MAX));
  }
  if (faults.count() != faults_before) return nullptr;
  return out;
}

const config::ResourceType& AssignmentResourceType() {
  static const AssignmentType type;
  return type;
}

}  // namespace nuncio::upstream
