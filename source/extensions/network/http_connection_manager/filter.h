#pragma once

#include <memory>

#include "source/base/local_ref.h"
#include "source/extensions/network/http_connection_manager/filter_config.h"
#include "source/proxy/connection_manager.h"

namespace nuncio::extensions {

// `routes`: where routes by RDS are found; null where the configuration has its own.
std::unique_ptr<filter::TerminalFilter> MakeHttpConnectionManager(const HttpConnectionManagerFilterConfig& config,
                                                                  proxy::WorkerServices& services,
                                                                  proxy::AccessLogs logs,
                                                                  std::shared_ptr<proxy::RouteCell> routes,
                                                                  ObjectHome& home);

}  // namespace nuncio::extensions
