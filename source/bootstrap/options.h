#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace nuncio::bootstrap {

// The command line.
struct Options {
  enum class Mode { kServe, kValidate };
  enum class DrainStrategy { kGradual, kImmediate };

  std::string config_path;
  std::string config_yaml;
  Mode mode = Mode::kServe;
  // Workers; unset: as many as the CPU quota and affinity allow.
  std::optional<uint32_t> concurrency;
  bool cpuset_threads = false;
  std::string service_cluster;
  std::string service_node;
  std::string service_zone;
  std::string log_level = "info";
  std::string component_log_levels;
  std::string log_path;
  std::string log_format;
  std::chrono::seconds drain_time{600};
  DrainStrategy drain_strategy = DrainStrategy::kGradual;
  std::string admin_address_path;
  // Where the last good dynamic configuration is kept; empty: nowhere.
  std::string state_dir;
  bool allow_unknown_static_fields = false;
  bool reject_unknown_dynamic_fields = false;
  bool ignore_unknown_dynamic_fields = false;
  uint32_t base_id = 0;
  uint32_t restart_epoch = 0;
  std::chrono::milliseconds file_flush_interval{1000};
  // A worker hands its access log lines over at this size, in KiB.
  uint32_t file_flush_min_size_kb = 64;
  // Added to stats_config.stats_tags of the bootstrap: names and fixed values.
  std::vector<std::pair<std::string, std::string>> stats_tags;

  // One line each: flags that were taken and have no effect here, and why.
  std::vector<std::string> notes;
  // The command line as given, for /server_info.
  std::string command_line;
};

// What to do: serve, or print a text and leave with success.
struct ParsedCommandLine {
  Options options;
  // --help, --version or --hot-restart-version: to be printed instead of running.
  std::optional<std::string> print;
};

// Errors name the flag and say what would be right.
absl::StatusOr<ParsedCommandLine> ParseCommandLine(int argc, const char* const* argv);

// "1.0.0" and how it was built.
std::string VersionText();

}  // namespace nuncio::bootstrap
