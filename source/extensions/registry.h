#pragma once

#include <memory>

#include "source/base/local_ref.h"
#include "source/filter/listener_filter.h"
#include "source/filter/network_filter.h"
#include "source/proxy/connection_manager.h"
#include "source/proxy/worker_services.h"

// Makes a worker's filters of what config_registry.h compiled. Worker thread.
namespace nuncio::extensions {

// What the last filter of a chain gets from main beside its configuration.
struct TerminalFilterInputs {
  // Those of its configuration, open.
  proxy::AccessLogs logs;
  // Where routes by RDS are found; null where the configuration needs none.
  std::shared_ptr<proxy::RouteCell> routes;
};

std::unique_ptr<filter::TerminalFilter> MakeTerminalFilter(
    const std::shared_ptr<const filter::TerminalFilterConfig>& config, TerminalFilterInputs inputs,
    proxy::WorkerServices& services, ObjectHome& home);

std::unique_ptr<filter::NetworkFilter> MakeNetworkFilter(
    const std::shared_ptr<const filter::NetworkFilterConfig>& config, proxy::WorkerServices& services);

std::unique_ptr<filter::ListenerFilter> MakeListenerFilter(
    const std::shared_ptr<const filter::ListenerFilterConfig>& config, proxy::WorkerServices& services);

}  // namespace nuncio::extensions
