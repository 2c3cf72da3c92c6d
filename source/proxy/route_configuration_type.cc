#include "source/proxy/route_configuration_type.h"

#include "envoy/config/route/v3/route.pb.h"
#include "source/config/typed_config.h"
#include "source/proxy/config.h"
#include "source/route/config.h"

namespace nuncio::proxy {

std::shared_ptr<const config::CompiledResource> RouteConfigurationType::Compile(std::string_view bytes,
                                                                                std::string& name,
                                                                                config::Faults& faults) const {
  envoy::config::route::v3::RouteConfiguration message;
  const bool whole = config::ParseAndCheck(bytes, message, faults);
  name = message.name();
  if (!whole) return nullptr;
  if (name.empty()) {
    faults.Add("name", "required for route configurations from discovery: listeners find them by it");
    return nullptr;
  }
  route::CompileOptions options;
  options.formatters = &HeaderFormatters();
  options.filters = &filters_;
  options.data_sources = data_sources_;
  auto compiled = std::make_shared<CompiledRouteConfiguration>();
  compiled->table = route::CompileRouteTable(message, options, faults);
  return compiled->table == nullptr ? nullptr : compiled;
}

}  // namespace nuncio::proxy
