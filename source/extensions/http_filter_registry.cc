#include "source/extensions/http_filter_registry.h"

#include <utility>

#include "source/extensions/http/grpc_stats/filter.h"
#include "source/extensions/http/grpc_web/filter.h"
#include "source/extensions/type_names.h"

namespace nuncio::extensions {
namespace {

template <typename Config>
std::shared_ptr<const Config> ConfigOf(const filter::HttpFilterEntry& entry) {
  return std::static_pointer_cast<const Config>(entry.config);
}

}  // namespace

std::unique_ptr<filter::HttpFilterFactory> MakeHttpFilterFactory(const filter::HttpFilterEntry& entry,
                                                                 const filter::HttpFilterServices& services) {
  if (entry.type == kGrpcStats) return MakeGrpcStatsFactory(ConfigOf<GrpcStatsConfig>(entry), services);
  if (entry.type == kGrpcWeb) return MakeGrpcWebFactory(services);
  return nullptr;
}

}  // namespace nuncio::extensions
