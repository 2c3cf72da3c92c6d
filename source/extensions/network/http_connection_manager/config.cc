#include "source/extensions/network/http_connection_manager/config.h"

#include <utility>

#include "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.pb.h"
#include "source/config/typed_config.h"
#include "source/extensions/http_filter_types.h"
#include "source/extensions/network/http_connection_manager/filter_config.h"
#include "source/proxy/config.h"

namespace nuncio::extensions {

std::shared_ptr<filter::TerminalFilterConfig> CompileHttpConnectionManager(const google::protobuf::Any& any,
                                                                           config::DataSourceAccess data_sources,
                                                                           config::Faults& faults) {
  envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager message;
  if (!config::UnpackAndCheck(any, &message, faults)) return nullptr;
  auto compiled = proxy::CompileConnectionManager(message, {data_sources, HttpFilterTypes()}, faults);
  if (!compiled.has_value()) return nullptr;
  auto out = std::make_shared<HttpConnectionManagerFilterConfig>();
  out->access_logs = compiled->config->access_logs;
  out->manager = std::move(compiled->config);
  out->rds = std::move(compiled->rds);
  return out;
}

}  // namespace nuncio::extensions
