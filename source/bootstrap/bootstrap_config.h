#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/access_log/access_log_config.h"
#include "source/base/clock.h"
#include "source/bootstrap/options.h"
#include "source/config/config_source.h"
#include "source/config/fault.h"
#include "source/listener/listener_config.h"
#include "source/matcher/string_matcher.h"
#include "source/net/dns_options.h"
#include "source/telemetry/tag_rules.h"
#include "source/tls/secret/secret.h"
#include "source/upstream/cluster_config.h"

namespace nuncio::bootstrap {

struct AdminConfig {
  listener::ListenAddress address;
  bool ignore_global_limit = false;
  std::vector<std::shared_ptr<const access_log::AccessLogConfig>> access_logs;
  // Unset: all paths are served.
  std::optional<matcher::StringMatcherList> allow_paths;
};

// Which statistics are kept from the output.
struct StatsFilter {
  bool reject_all = false;
  // True: what matches is left out; false: only what matches is shown.
  bool exclusive = true;
  std::optional<matcher::StringMatcherList> patterns;

  bool Shows(std::string_view name) const {
    return !reject_all && (!patterns.has_value() || patterns->Matches(name) != exclusive);
  }
};

// A compiled Bootstrap. Immutable after start.
struct BootstrapConfig {
  struct StaticListener {
    std::shared_ptr<const listener::ListenerConfig> config;
    std::shared_ptr<const std::string> bytes;
  };
  struct StaticCluster {
    std::shared_ptr<const upstream::ClusterConfig> config;
    std::shared_ptr<const std::string> bytes;
  };

  struct StaticSecret {
    std::shared_ptr<const tls::Secret> config;
    std::shared_ptr<const std::string> bytes;
  };

  // Of the node: what %-templates, headers and the control plane are told.
  std::string node_id;
  std::string node_cluster;
  // The whole node message, as the control plane gets it.
  std::shared_ptr<const std::string> node_bytes;
  // The whole bootstrap, for /config_dump.
  std::shared_ptr<const std::string> bytes;

  std::vector<StaticListener> listeners;
  std::vector<StaticCluster> clusters;
  std::vector<StaticSecret> secrets;
  std::optional<config::ConfigSource> lds;
  std::optional<config::ConfigSource> cds;
  std::optional<config::GrpcSource> ads;
  std::optional<AdminConfig> admin;
  std::shared_ptr<const upstream::BindOptions> upstream_bind;
  telemetry::TagRules tag_rules;
  std::optional<StatsFilter> stats_filter;
  Duration stats_flush_interval = std::chrono::seconds(5);
  // 0: no limit.
  uint64_t max_downstream_connections = 0;
  net::DnsOptions dns;
  // spdlog-style; empty: the default or the command line's.
  std::string log_format;
};

}  // namespace nuncio::bootstrap
