#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "source/base/clock.h"
#include "source/filter/network_filter.h"

namespace nuncio::extensions {

// Immutable; any thread. Durations: zero means no limit.
struct TcpProxyConfig final : filter::TerminalFilterConfig {
  struct Cluster {
    std::string name;
    // Of all clusters up to and with this one.
    uint64_t weight_so_far = 1;
  };

  std::string stat_prefix;
  // One at least.
  std::vector<Cluster> clusters;
  Duration idle_timeout = std::chrono::hours(1);
  Duration max_connection_duration{};
  // Added to it at most, at random.
  Duration max_duration_jitter{};
  uint32_t max_connect_attempts = 1;
  // Zero: none.
  Duration log_interval{};
  bool log_on_connected = false;
  bool log_on_start = false;
};

}  // namespace nuncio::extensions
