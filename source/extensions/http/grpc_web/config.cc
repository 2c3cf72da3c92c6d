#include "source/extensions/http/grpc_web/config.h"

#include "envoy/extensions/filters/http/grpc_web/v3/grpc_web.pb.h"
#include "source/config/typed_config.h"

namespace nuncio::extensions {

std::shared_ptr<const filter::HttpFilterConfig> CompileGrpcWeb(const google::protobuf::Any& any,
                                                               config::Faults& faults) {
  envoy::extensions::filters::http::grpc_web::v3::GrpcWeb message;
  if (!config::UnpackAndCheck(any, &message, faults)) return nullptr;
  return std::make_shared<filter::HttpFilterConfig>();
}

}  // namespace nuncio::extensions
