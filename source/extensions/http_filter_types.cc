#include "source/extensions/http_filter_types.h"

#include "source/extensions/http/grpc_stats/config.h"
#include "source/extensions/http/grpc_web/config.h"
#include "source/extensions/type_names.h"

namespace nuncio::extensions {
namespace {

constexpr filter::HttpFilterType kTypes[] = {
    {kGrpcStats, "envoy.filters.http.grpc_stats", CompileGrpcStats},
    {kGrpcWeb, "envoy.filters.http.grpc_web", CompileGrpcWeb},
};

}  // namespace

const filter::HttpFilterTypes& HttpFilterTypes() {
  static const filter::HttpFilterTypes types(kTypes);
  return types;
}

}  // namespace nuncio::extensions
