#pragma once

#include <memory>
#include <optional>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/config_source.h"
#include "source/config/data_source.h"
#include "source/config/fault.h"
#include "source/filter/http_filter_type.h"
#include "source/proxy/connection_manager_config.h"
#include "source/route/config.h"

namespace nuncio::proxy {

// A connection manager as configured, and, where its routes come from elsewhere, from where.
struct CompiledConnectionManager {
  std::shared_ptr<const ConnectionManagerConfig> config;
  // Set if and only if config->route_table is null.
  std::optional<config::ConfigSource> rds;
};

// What the compilation knows of its surroundings.
struct ConnectionManagerOptions {
  config::DataSourceAccess data_sources = config::DataSourceAccess::kRead;
  const filter::HttpFilterTypes& filters;
};

// Called within the Scope of the field that holds the message, after its rules were checked. Null with faults.
std::optional<CompiledConnectionManager> CompileConnectionManager(
    const envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager& message,
    const ConnectionManagerOptions& options, config::Faults& faults);

// Header value templates over what is known of a stream, for route tables.
const route::FormatterFactory& HeaderFormatters();

}  // namespace nuncio::proxy
