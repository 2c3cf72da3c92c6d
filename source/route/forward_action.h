#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "source/base/clock.h"
#include "source/matcher/regex.h"
#include "source/matcher/request_field.h"
#include "source/route/header_mutation.h"
#include "source/route/path_rewrite.h"
#include "source/route/per_filter_config.h"

namespace nuncio::route {

// One of the clusters among which requests are spread.
struct WeightedCluster {
  std::string name;
  // The name is this field's value; `name` is empty then.
  std::optional<matcher::RequestField> name_field;
  // The cluster gets the draws below this and at or above its predecessor's.
  uint64_t cumulative_weight = 0;
  HeaderMutations request_mutations;
  HeaderMutations response_mutations;
  // Takes the place of the route's own host rewrite. Empty: none.
  std::string host_rewrite;
  // Null: none.
  std::unique_ptr<const PerFilterConfigs> per_filter;
};

struct WeightedClusters {
  std::vector<WeightedCluster> clusters;
  // 1 to 2^32 - 1.
  uint64_t total_weight = 0;
  // A field whose value, a decimal number, takes the place of the random number.
  std::optional<matcher::RequestField> random_value_field;

  const WeightedCluster& Choose(const http::RequestHead& request, uint64_t random) const;
};

// Whether the host is rewritten to the chosen endpoint's name: known only after balancing, so the router does it.
struct AutoHostRewrite {};
// The host becomes this field's value.
struct HostFromField {
  matcher::RequestField field;
};
// The host becomes what this makes of the path without its query.
struct HostFromPath {
  matcher::RegexSubstitution substitution;
};
// A string is the new host.
using HostRewrite = std::variant<std::monostate, std::string, AutoHostRewrite, HostFromField, HostFromPath>;

enum class Priority : uint8_t { kDefault, kHigh };

// Limits on the life of a request as a whole.
struct StreamDurationLimits {
  // 0: none. Unset: as the connection manager says.
  std::optional<Duration> max;
  // Set: `grpc-timeout` sets the limit, up to this; 0: up to whatever it says. Without the header `max` holds.
  std::optional<Duration> grpc_timeout_max;
  // Taken off the time in `grpc-timeout` where that is larger.
  std::optional<Duration> grpc_timeout_offset;
};

// A protocol that may, or may not, follow HTTP on a stream; "CONNECT" for the method.
struct UpgradeRule {
  std::string type;
  bool enabled = true;
  // CONNECT only: end it here and forward its data as plain TCP.
  bool terminate_connect = false;
};

// Forward to a cluster. Immutable; any thread.
struct ForwardAction {
  static constexpr Duration kDefaultTimeout = std::chrono::seconds(15);

  // By name, by the value of a field, or one of several.
  std::variant<std::string, matcher::RequestField, std::unique_ptr<const WeightedClusters>> cluster;
  // Status when the cluster is unknown: 503, 404 or 500.
  uint32_t cluster_not_found_status = 503;
  std::unique_ptr<const PathRewrite> path_rewrite;
  std::unique_ptr<const HostRewrite> host_rewrite;
  bool append_x_forwarded_host = false;
  // From the end of the request to the end of the answer; 0: no limit.
  Duration timeout = kDefaultTimeout;
  // 0: no limit. Unset: as the connection manager says.
  std::optional<Duration> idle_timeout;
  Priority priority = Priority::kDefault;
  std::unique_ptr<const StreamDurationLimits> max_stream_duration;
  // Each type once.
  std::vector<UpgradeRule> upgrades;

  bool auto_host_rewrite() const {
    return host_rewrite != nullptr && std::holds_alternative<AutoHostRewrite>(*host_rewrite);
  }
};

}  // namespace nuncio::route
