#pragma once

#include <memory>

#include "source/config/subscription.h"
#include "source/route/route_table.h"

namespace nuncio::proxy {

// What RouteConfigurationType compiles to.
struct CompiledRouteConfiguration : config::CompiledResource {
  std::shared_ptr<const route::RouteTable> table;
};

}  // namespace nuncio::proxy
