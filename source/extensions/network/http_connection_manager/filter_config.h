#pragma once

#include <memory>
#include <optional>

#include "source/config/config_source.h"
#include "source/filter/network_filter.h"
#include "source/proxy/connection_manager_config.h"

namespace nuncio::extensions {

// An HTTP connection manager as the last filter of a chain. Immutable; any thread.
struct HttpConnectionManagerFilterConfig final : filter::TerminalFilterConfig {
  std::shared_ptr<const proxy::ConnectionManagerConfig> manager;
  // Set if and only if the manager has no route table of its own.
  std::optional<config::ConfigSource> rds;
};

}  // namespace nuncio::extensions
