#include "source/upstream/load_balancer_compiler.h"

#include <cmath>

#include "envoy/extensions/load_balancing_policies/least_request/v3/least_request.pb.h"
#include "envoy/extensions/load_balancing_policies/random/v3/random.pb.h"
#include "envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.pb.h"
#include "source/base/strings.h"
#include "source/config/message_types.h"
#include "source/config/typed_config.h"

namespace nuncio::upstream {
namespace {

namespace cluster_v3 = envoy::config::cluster::v3;
namespace policies = envoy::extensions::load_balancing_policies;

double CompileBias(const envoy::config::core::v3::RuntimeDouble& bias, config::Faults& faults) {
  // NaN fails the comparison too.
  if (!(bias.default_value() >= 0.0) || std::isinf(bias.default_value())) {
    faults.Add("active_request_bias.default_value", "must be 0 or more, and finite");
    return 1.0;
  }
  return bias.default_value();
}

void CompileLeastRequest(const policies::least_request::v3::LeastRequest& from, LoadBalancerConfig& out,
                         config::Faults& faults) {
  out.policy = LoadBalancerConfig::Policy::kLeastRequest;
  if (from.has_choice_count()) out.choice_count = from.choice_count().value();
  if (from.has_active_request_bias()) out.active_request_bias = CompileBias(from.active_request_bias(), faults);
  out.full_scan = from.selection_method() == policies::least_request::v3::LeastRequest::FULL_SCAN;
  out.locality_weighted = from.has_locality_lb_config();
}

// False: a type that this program does not have.
bool CompilePolicy(const google::protobuf::Any& any, LoadBalancerConfig& out, config::Faults& faults) {
  if (config::Holds<policies::round_robin::v3::RoundRobin>(any)) {
    policies::round_robin::v3::RoundRobin from;
    if (!config::UnpackAndCheck(any, &from, faults)) return true;
    out.policy = LoadBalancerConfig::Policy::kRoundRobin;
    out.locality_weighted = from.has_locality_lb_config();
    return true;
  }
  if (config::Holds<policies::random::v3::Random>(any)) {
    policies::random::v3::Random from;
    if (!config::UnpackAndCheck(any, &from, faults)) return true;
    out.policy = LoadBalancerConfig::Policy::kRandom;
    out.locality_weighted = from.has_locality_lb_config();
    return true;
  }
  if (config::Holds<policies::least_request::v3::LeastRequest>(any)) {
    policies::least_request::v3::LeastRequest from;
    if (config::UnpackAndCheck(any, &from, faults)) CompileLeastRequest(from, out, faults);
    return true;
  }
  return false;
}

void CompilePolicyList(const cluster_v3::Cluster& cluster, LoadBalancerConfig& out, config::Faults& faults) {
  if (!cluster.has_load_balancing_policy()) {
    faults.Add("load_balancing_policy", "must be set where lb_policy is LOAD_BALANCING_POLICY_CONFIG");
    return;
  }
  if (cluster.common_lb_config().has_locality_weighted_lb_config()) {
    faults.Add("common_lb_config.locality_weighted_lb_config",
               "cannot be set together with load_balancing_policy: set locality_lb_config of the policy");
  }
  if (cluster.has_least_request_lb_config()) {
    faults.Add("least_request_lb_config",
               "cannot be set together with load_balancing_policy: the policy has its own settings");
  }
  const config::Faults::Scope scope(faults, "load_balancing_policy");
  std::string unknown;
  for (int i = 0; i < cluster.load_balancing_policy().policies_size(); ++i) {
    const config::Faults::Scope policy_scope(faults, "policies", static_cast<size_t>(i));
    const config::Faults::Scope config_scope(faults, "typed_extension_config.typed_config");
    const google::protobuf::Any& any =
        cluster.load_balancing_policy().policies(i).typed_extension_config().typed_config();
    if (CompilePolicy(any, out, faults)) return;
    StrAppend(unknown, unknown.empty() ? "" : ", ", config::Quote(config::TypeName(any.type_url())));
  }
  faults.Add("policies", unknown.empty() ? "must name a policy"
                                         : StrCat("has no policy that this build has (has ", unknown,
                                                  "); there are RoundRobin, LeastRequest and Random"));
}

void CompilePlainPolicy(const cluster_v3::Cluster& cluster, LoadBalancerConfig& out, config::Faults& faults) {
  out.locality_weighted = cluster.common_lb_config().has_locality_weighted_lb_config();
  switch (cluster.lb_policy()) {
    case cluster_v3::Cluster::ROUND_ROBIN:
      out.policy = LoadBalancerConfig::Policy::kRoundRobin;
      break;
    case cluster_v3::Cluster::RANDOM:
      out.policy = LoadBalancerConfig::Policy::kRandom;
      break;
    case cluster_v3::Cluster::LEAST_REQUEST:
      out.policy = LoadBalancerConfig::Policy::kLeastRequest;
      break;
    default:
      faults.Add("lb_policy",
                 StrCat("is no policy that this build has (is ", static_cast<int>(cluster.lb_policy()), ")"));
      return;
  }
  if (!cluster.has_least_request_lb_config()) return;
  const config::Faults::Scope scope(faults, "least_request_lb_config");
  if (out.policy != LoadBalancerConfig::Policy::kLeastRequest) {
    faults.Warn("has no effect: lb_policy is not LEAST_REQUEST");
    return;
  }
  const auto& from = cluster.least_request_lb_config();
  if (from.has_choice_count()) out.choice_count = from.choice_count().value();
  if (from.has_active_request_bias()) out.active_request_bias = CompileBias(from.active_request_bias(), faults);
}

}  // namespace

LoadBalancerConfig CompileLoadBalancer(const cluster_v3::Cluster& cluster, config::Faults& faults) {
  LoadBalancerConfig out;
  if (cluster.common_lb_config().has_healthy_panic_threshold()) {
    out.panic_threshold = cluster.common_lb_config().healthy_panic_threshold().value();
  }
  if (cluster.has_load_balancing_policy() || cluster.lb_policy() == cluster_v3::Cluster::LOAD_BALANCING_POLICY_CONFIG) {
    CompilePolicyList(cluster, out, faults);
  } else {
    CompilePlainPolicy(cluster, out, faults);
  }
  return out;
}

}  // namespace nuncio::upstream
