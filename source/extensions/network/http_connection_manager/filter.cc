#include "source/extensions/network/http_connection_manager/filter.h"

#include <utility>

#include "source/extensions/http_filter_registry.h"

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
  const filter::HttpFilterServices lent{services.loop, services.stats, services.slot, services.clusters,
                                        config.manager->stat_prefix};
  proxy::HttpFilters filters;
  for (const filter::HttpFilterEntry& entry : config.manager->filters) {
    filters.push_back(MakeHttpFilterFactory(entry, lent));
  }
  return std::make_unique<proxy::HttpConnectionManager>(services, config.manager, std::move(logs), std::move(routes),
                                                        std::move(filters));
}

}  // namespace nuncio::extensions
