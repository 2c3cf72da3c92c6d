#include "source/extensions/listener/original_dst/config.h"

#include "envoy/extensions/filters/listener/original_dst/v3/original_dst.pb.h"
#include "source/config/typed_config.h"

namespace nuncio::extensions {

std::shared_ptr<filter::ListenerFilterConfig> CompileOriginalDst(const google::protobuf::Any& any,
                                                                 config::Faults& faults) {
  envoy::extensions::filters::listener::original_dst::v3::OriginalDst message;
  if (!config::UnpackAndCheck(any, &message, faults)) return nullptr;
  return std::make_shared<filter::ListenerFilterConfig>();
}

}  // namespace nuncio::extensions
