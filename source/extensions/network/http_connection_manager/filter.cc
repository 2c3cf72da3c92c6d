#include "source/extensions/network/http_connection_manager/filter.h"

#include <utility>

namespace nuncio::extensions {

std::unique_ptr<filter::TerminalFilter> MakeHttpConnectionManager(const HttpConnectionManagerFilterConfig& config,
                                                                  proxy::WorkerServices& services,
                                                                  proxy::AccessLogs logs,
                                                                  std::shared_ptr<proxy::RouteCell> routes,
                                                                  ObjectHome& home) {
  if (routes == nullptr) {
    routes = std::make_shared<proxy::RouteCell>();
    routes->table = LocalRef<route::RouteTable>(config.manager->route_table, home);
  }
  return std::make_unique<proxy::HttpConnectionManager>(services, config.manager, std::move(logs), std::move(routes));
}

}  // namespace nuncio::extensions
