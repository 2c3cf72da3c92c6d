#pragma once

#include <memory>

#include "envoy/config/bootstrap/v3/bootstrap.pb.h"
#include "source/config/fault.h"
#include "source/server/bootstrap_config.h"
#include "source/server/options.h"

namespace nuncio::server {

// Reads the files and texts that the command line names into one message, fills in the node's names and checks it.
// Errors hold one line per fault: file, place, field path, reason.
absl::StatusOr<envoy::config::bootstrap::v3::Bootstrap> LoadBootstrap(const Options& options);

// Null with faults.
std::shared_ptr<const BootstrapConfig> CompileBootstrap(const envoy::config::bootstrap::v3::Bootstrap& message,
                                                        config::Faults& faults);

}  // namespace nuncio::server
