#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "source/base/strings.h"
#include "source/config/converters.h"
#include "source/matcher/config.h"
#include "source/route/compiler.h"

namespace nuncio::route {
namespace {

using config::Faults;
using EnvoyRouteAction = envoy::config::route::v3::RouteAction;
using EnvoyRedirectAction = envoy::config::route::v3::RedirectAction;
using EnvoyWeightedCluster = envoy::config::route::v3::WeightedCluster;

std::optional<Duration> OptionalDuration(bool is_set, const google::protobuf::Duration& message, std::string_view field,
                                         Faults& faults) {
  if (!is_set) return std::nullopt;
  return config::DurationField(true, message, field, Duration::zero(), faults);
}

// RFC 3986 3.1.
bool IsScheme(std::string_view text) {
  if (text.empty() || ToLower(text.front()) < 'a' || ToLower(text.front()) > 'z') return false;
  for (const char c : text) {
    const char lower = ToLower(c);
    if ((lower < 'a' || lower > 'z') && (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') return false;
  }
  return true;
}

std::optional<matcher::RegexSubstitution> CompileTargetSubstitution(
    const envoy::type::matcher::v3::RegexMatchAndSubstitute& message, std::string_view field, Faults& faults) {
  Faults::Scope scope(faults, field);
  CheckTargetText("substitution", message.substitution(), faults);
  return matcher::CompileRegexSubstitution(message, faults);
}

// Exactly one of `name` and `cluster_header`.
void CompileClusterName(const EnvoyWeightedCluster::ClusterWeight& message, WeightedCluster& cluster, Faults& faults) {
  if (message.name().empty() == message.cluster_header().empty()) {
    faults.Add("name", "must be set, or else cluster_header, but not both");
  } else if (!message.name().empty()) {
    cluster.name = message.name();
  } else {
    cluster.name_field.emplace(message.cluster_header());
  }
}

std::unique_ptr<const WeightedClusters> CompileWeightedClusters(const EnvoyWeightedCluster& message,
                                                                const CompileEnvironment& environment,
                                                                Faults& faults) {
  auto result = std::make_unique<WeightedClusters>();
  result->clusters.reserve(static_cast<size_t>(message.clusters_size()));
  for (int i = 0; i < message.clusters_size(); ++i) {
    Faults::Scope scope(faults, "clusters", static_cast<size_t>(i));
    const EnvoyWeightedCluster::ClusterWeight& entry = message.clusters(i);
    WeightedCluster& cluster = result->clusters.emplace_back();
    CompileClusterName(entry, cluster, faults);
    result->total_weight += entry.weight().value();
    cluster.cumulative_weight = result->total_weight;
    cluster.request_mutations =
        CompileHeaderMutations(entry.request_headers_to_remove(), "request_headers_to_remove",
                               entry.request_headers_to_add(), "request_headers_to_add", environment.options, faults);
    cluster.response_mutations =
        CompileHeaderMutations(entry.response_headers_to_remove(), "response_headers_to_remove",
                               entry.response_headers_to_add(), "response_headers_to_add", environment.options, faults);
    cluster.per_filter = CompilePerFilterConfigs(entry.typed_per_filter_config(), environment.options, faults);
    cluster.host_rewrite = entry.host_rewrite_literal();
    CheckTargetText("host_rewrite_literal", cluster.host_rewrite, faults);
  }
  if (result->total_weight == 0 || result->total_weight > UINT32_MAX) {
    faults.Add("clusters", StrCat("must have weights whose sum is between 1 and 4294967295 (is ", result->total_weight,
                                  ")"));
  }
  if (!message.header_name().empty()) result->random_value_field.emplace(message.header_name());
  return result;
}

void CompileClusterSpecifier(const EnvoyRouteAction& message, const CompileEnvironment& environment,
                             ForwardAction& action, Faults& faults) {
  switch (message.cluster_specifier_case()) {
    case EnvoyRouteAction::kCluster:
      if (message.cluster().empty()) faults.Add("cluster", "must not be empty");
      action.cluster = message.cluster();
      return;
    case EnvoyRouteAction::kClusterHeader:
      if (message.cluster_header().empty()) faults.Add("cluster_header", "must not be empty");
      action.cluster = matcher::RequestField(message.cluster_header());
      return;
    case EnvoyRouteAction::kWeightedClusters: {
      Faults::Scope scope(faults, "weighted_clusters");
      action.cluster = CompileWeightedClusters(message.weighted_clusters(), environment, faults);
      return;
    }
    case EnvoyRouteAction::CLUSTER_SPECIFIER_NOT_SET:
      faults.Add("must have one of cluster, cluster_header and weighted_clusters");
  }
}

std::unique_ptr<const PathRewrite> CompilePathRewrite(const EnvoyRouteAction& message, Faults& faults) {
  if (message.has_regex_rewrite()) {
    if (!message.prefix_rewrite().empty()) {
      faults.Add("prefix_rewrite", "does not go with regex_rewrite; set one of them");
    }
    auto substitution = CompileTargetSubstitution(message.regex_rewrite(), "regex_rewrite", faults);
    if (!substitution.has_value()) return nullptr;
    return std::make_unique<const PathRewrite>(PathRewrite{*std::move(substitution)});
  }
  if (message.prefix_rewrite().empty()) return nullptr;
  CheckTargetText("prefix_rewrite", message.prefix_rewrite(), faults);
  return std::make_unique<const PathRewrite>(PathRewrite{message.prefix_rewrite()});
}

std::unique_ptr<const HostRewrite> CompileHostRewrite(const EnvoyRouteAction& message, Faults& faults) {
  switch (message.host_rewrite_specifier_case()) {
    case EnvoyRouteAction::kHostRewriteLiteral:
      if (message.host_rewrite_literal().empty()) return nullptr;
      CheckTargetText("host_rewrite_literal", message.host_rewrite_literal(), faults);
      return std::make_unique<const HostRewrite>(message.host_rewrite_literal());
    case EnvoyRouteAction::kAutoHostRewrite:
      if (!message.auto_host_rewrite().value()) return nullptr;
      return std::make_unique<const HostRewrite>(AutoHostRewrite{});
    case EnvoyRouteAction::kHostRewriteHeader:
      if (message.host_rewrite_header().empty()) return nullptr;
      return std::make_unique<const HostRewrite>(HostFromField{matcher::RequestField(message.host_rewrite_header())});
    case EnvoyRouteAction::kHostRewritePathRegex: {
      auto substitution =
          CompileTargetSubstitution(message.host_rewrite_path_regex(), "host_rewrite_path_regex", faults);
      if (!substitution.has_value()) return nullptr;
      return std::make_unique<const HostRewrite>(HostFromPath{*std::move(substitution)});
    }
    case EnvoyRouteAction::HOST_REWRITE_SPECIFIER_NOT_SET:
      break;
  }
  return nullptr;
}

uint32_t ClusterNotFoundStatus(const EnvoyRouteAction& message, Faults& faults) {
  switch (message.cluster_not_found_response_code()) {
    case EnvoyRouteAction::SERVICE_UNAVAILABLE:
      return 503;
    case EnvoyRouteAction::NOT_FOUND:
      return 404;
    case EnvoyRouteAction::INTERNAL_SERVER_ERROR:
      return 500;
    default:
      faults.Add("cluster_not_found_response_code",
                 StrCat("has no value ", static_cast<int>(message.cluster_not_found_response_code())));
      return 503;
  }
}

Priority CompilePriority(const EnvoyRouteAction& message, Faults& faults) {
  switch (message.priority()) {
    case envoy::config::core::v3::DEFAULT:
      return Priority::kDefault;
    case envoy::config::core::v3::HIGH:
      return Priority::kHigh;
    default:
      faults.Add("priority", StrCat("has no value ", static_cast<int>(message.priority())));
      return Priority::kDefault;
  }
}

std::unique_ptr<const StreamDurationLimits> CompileStreamDuration(const EnvoyRouteAction& message, Faults& faults) {
  if (!message.has_max_stream_duration()) return nullptr;
  Faults::Scope scope(faults, "max_stream_duration");
  const EnvoyRouteAction::MaxStreamDuration& limits = message.max_stream_duration();
  auto result = std::make_unique<StreamDurationLimits>();
  result->max =
      OptionalDuration(limits.has_max_stream_duration(), limits.max_stream_duration(), "max_stream_duration", faults);
  result->grpc_timeout_max = OptionalDuration(limits.has_grpc_timeout_header_max(), limits.grpc_timeout_header_max(),
                                              "grpc_timeout_header_max", faults);
  result->grpc_timeout_offset =
      OptionalDuration(limits.has_grpc_timeout_header_offset(), limits.grpc_timeout_header_offset(),
                       "grpc_timeout_header_offset", faults);
  return result;
}

std::vector<UpgradeRule> CompileUpgrades(const EnvoyRouteAction& message, Faults& faults) {
  std::vector<UpgradeRule> rules;
  for (int i = 0; i < message.upgrade_configs_size(); ++i) {
    const EnvoyRouteAction::UpgradeConfig& from = message.upgrade_configs(i);
    Faults::Scope scope(faults, "upgrade_configs", static_cast<size_t>(i));
    const UpgradeRule rule{from.upgrade_type(), !from.has_enabled() || from.enabled().value(),
                           from.has_connect_config()};
    if (rule.terminate_connect && !EqualsIgnoreCase(rule.type, "CONNECT")) {
      faults.Add("connect_config", "has an effect only with upgrade_type: CONNECT");
    }
    for (const UpgradeRule& other : rules) {
      if (EqualsIgnoreCase(other.type, rule.type)) {
        faults.Add("upgrade_type", StrCat("is there twice (", config::Quote(rule.type), ")"));
      }
    }
    rules.push_back(rule);
  }
  return rules;
}

uint32_t RedirectStatus(const EnvoyRedirectAction& message, Faults& faults) {
  switch (message.response_code()) {
    case EnvoyRedirectAction::MOVED_PERMANENTLY:
      return 301;
    case EnvoyRedirectAction::FOUND:
      return 302;
    case EnvoyRedirectAction::SEE_OTHER:
      return 303;
    case EnvoyRedirectAction::TEMPORARY_REDIRECT:
      return 307;
    case EnvoyRedirectAction::PERMANENT_REDIRECT:
      return 308;
    default:
      faults.Add("response_code", StrCat("has no value ", static_cast<int>(message.response_code())));
      return 301;
  }
}

void CompileRedirectPath(const EnvoyRedirectAction& message, RedirectAction& action, Faults& faults) {
  switch (message.path_rewrite_specifier_case()) {
    case EnvoyRedirectAction::kPathRedirect:
      CheckTargetText("path_redirect", message.path_redirect(), faults);
      action.path = message.path_redirect();
      return;
    case EnvoyRedirectAction::kPrefixRewrite:
      CheckTargetText("prefix_rewrite", message.prefix_rewrite(), faults);
      if (!message.prefix_rewrite().empty()) action.path_rewrite.emplace(PathRewrite{message.prefix_rewrite()});
      return;
    case EnvoyRedirectAction::kRegexRewrite: {
      auto substitution = CompileTargetSubstitution(message.regex_rewrite(), "regex_rewrite", faults);
      if (substitution.has_value()) action.path_rewrite.emplace(PathRewrite{*std::move(substitution)});
      return;
    }
    case EnvoyRedirectAction::PATH_REWRITE_SPECIFIER_NOT_SET:
      return;
  }
}

}  // namespace

void CheckTargetText(std::string_view field, std::string_view text, Faults& faults) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) {
      faults.Add(field, StrCat("must not contain white space or control characters (is ", config::Quote(text), ")"));
      return;
    }
  }
}

ForwardAction CompileForwardAction(const EnvoyRouteAction& message, const CompileEnvironment& environment,
                                   Faults& faults) {
  ForwardAction action;
  CompileClusterSpecifier(message, environment, action, faults);
  action.cluster_not_found_status = ClusterNotFoundStatus(message, faults);
  action.path_rewrite = CompilePathRewrite(message, faults);
  action.host_rewrite = CompileHostRewrite(message, faults);
  action.append_x_forwarded_host = message.append_x_forwarded_host();
  action.timeout = config::DurationField(message.has_timeout(), message.timeout(), "timeout",
                                         ForwardAction::kDefaultTimeout, faults);
  action.idle_timeout = OptionalDuration(message.has_idle_timeout(), message.idle_timeout(), "idle_timeout", faults);
  action.priority = CompilePriority(message, faults);
  action.max_stream_duration = CompileStreamDuration(message, faults);
  action.upgrades = CompileUpgrades(message, faults);
  return action;
}

std::unique_ptr<const RedirectAction> CompileRedirectAction(const EnvoyRedirectAction& message, Faults& faults) {
  auto action = std::make_unique<RedirectAction>();
  if (message.https_redirect()) {
    action->scheme = "https";
  } else if (!message.scheme_redirect().empty()) {
    if (!IsScheme(message.scheme_redirect())) {
      faults.Add("scheme_redirect", StrCat("must be a scheme such as https (is ",
                                           config::Quote(message.scheme_redirect()), ")"));
    }
    action->scheme = AsciiToLower(message.scheme_redirect());
  }
  CheckTargetText("host_redirect", message.host_redirect(), faults);
  action->host = message.host_redirect();
  if (message.port_redirect() > 65535) {
    faults.Add("port_redirect", StrCat("must be at most 65535 (is ", message.port_redirect(), ")"));
  } else if (message.port_redirect() != 0) {
    action->port = StrCat(":", message.port_redirect());
  }
  CompileRedirectPath(message, *action, faults);
  action->strip_query = message.strip_query();
  action->status = RedirectStatus(message, faults);
  return action;
}

}  // namespace nuncio::route
