#include "source/extensions/network/sni_cluster/config.h"

#include "envoy/extensions/filters/network/sni_cluster/v3/sni_cluster.pb.h"
#include "source/config/typed_config.h"

namespace nuncio::extensions {

std::shared_ptr<filter::NetworkFilterConfig> CompileSniCluster(const google::protobuf::Any& any,
                                                               config::Faults& faults) {
  envoy::extensions::filters::network::sni_cluster::v3::SniCluster message;
  if (!config::UnpackAndCheck(any, &message, faults)) return nullptr;
  return std::make_shared<filter::NetworkFilterConfig>();
}

}  // namespace nuncio::extensions
