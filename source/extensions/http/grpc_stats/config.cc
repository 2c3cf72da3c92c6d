#include "source/extensions/http/grpc_stats/config.h"

#include "envoy/extensions/filters/http/grpc_stats/v3/config.pb.h"
#include "source/config/typed_config.h"
#include "source/extensions/http/grpc_stats/filter_config.h"

namespace nuncio::extensions {

std::shared_ptr<const filter::HttpFilterConfig> CompileGrpcStats(const google::protobuf::Any& any,
                                                                 config::Faults& faults) {
  envoy::extensions::filters::http::grpc_stats::v3::FilterConfig message;
  if (!config::UnpackAndCheck(any, &message, faults)) return nullptr;
  auto out = std::make_shared<GrpcStatsConfig>();
  out->all_methods = message.stats_for_all_methods().value();
  for (const auto& service : message.individual_method_stats_allowlist().services()) {
    for (const std::string& method : service.method_names()) out->methods.insert(StrCat(service.name(), '/', method));
  }
  out->upstream_time = message.enable_upstream_stats();
  out->replace_dots = message.replace_dots_in_grpc_service_name();
  return out;
}

}  // namespace nuncio::extensions
