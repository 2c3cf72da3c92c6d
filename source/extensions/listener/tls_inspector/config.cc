#include "source/extensions/listener/tls_inspector/config.h"

#include "envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.pb.h"
#include "source/config/typed_config.h"
#include "source/extensions/listener/tls_inspector/filter_config.h"

namespace nuncio::extensions {

std::shared_ptr<filter::ListenerFilterConfig> CompileTlsInspector(const google::protobuf::Any& any,
                                                                  config::Faults& faults) {
  envoy::extensions::filters::listener::tls_inspector::v3::TlsInspector message;
  if (!config::UnpackAndCheck(any, &message, faults)) return nullptr;
  auto out = std::make_shared<TlsInspectorConfig>();
  out->ja3 = message.enable_ja3_fingerprinting().value();
  out->ja4 = message.enable_ja4_fingerprinting().value();
  out->close_on_malformed = message.close_connection_on_client_hello_parsing_errors();
  if (message.has_max_client_hello_size()) out->max_client_hello = message.max_client_hello_size().value();
  return out;
}

}  // namespace nuncio::extensions
