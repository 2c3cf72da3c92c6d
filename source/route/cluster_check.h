#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "source/route/route_table.h"

namespace nuncio::route {

// For `validate_clusters`: calls `unknown(cluster, where)` for each cluster that a route names and `known` does not
// know; `where` is the field's path within the RouteConfiguration. Names that come from request headers are not looked
// at.
void FindUnknownClusters(const RouteTable& table, const std::function<bool(std::string_view cluster)>& known,
                         const std::function<void(std::string_view cluster, const std::string& where)>& unknown);

}  // namespace nuncio::route
