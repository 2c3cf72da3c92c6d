#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/bootstrap/bootstrap_config.h"
#include "source/bootstrap/options.h"
#include "source/config/fault.h"

namespace nuncio::bootstrap {

struct LoadedBootstrap {
  envoy::config::bootstrap::v3::Bootstrap message;
  // One line each, with file and field path: unknown fields, where they are allowed.
  std::vector<std::string> warnings;
};

// How faults of the whole name it: the file, "--config-yaml", or both.
std::string BootstrapName(const Options& options);

// Reads the file and the text that the command line names into one message, fills in what flags say of the node and of
// the statistics' tags. Rules are not checked here. Errors hold one line per fault of either: file, place, field path,
// reason.
absl::StatusOr<LoadedBootstrap> LoadBootstrap(const Options& options);

// All that can be known to be wrong before sockets are bound and files are opened. Null with faults.
std::shared_ptr<const BootstrapConfig> CompileBootstrap(const envoy::config::bootstrap::v3::Bootstrap& message,
                                                        config::Faults& faults);

}  // namespace nuncio::bootstrap
