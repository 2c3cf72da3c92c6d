#pragma once

#include <functional>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "source/base/strings.h"
#include "source/filter/http_filter_factory.h"

namespace nuncio::extensions {

// Immutable; any thread.
struct GrpcStatsConfig final : filter::HttpFilterConfig {
  // Every method has statistics of its own; else those of `methods` have, as "SERVICE/METHOD".
  bool all_methods = false;
  absl::flat_hash_set<std::string, TransparentHash, std::equal_to<>> methods;
  bool upstream_time = false;
  bool replace_dots = false;
};

}  // namespace nuncio::extensions
