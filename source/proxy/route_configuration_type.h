#pragma once

#include <memory>

#include "source/config/data_source.h"
#include "source/config/subscription.h"
#include "source/filter/http_filter_type.h"
#include "source/proxy/compiled_route_configuration.h"

namespace nuncio::proxy {

// Route configurations as resources of RDS.
class RouteConfigurationType final : public config::ResourceType {
 public:
  RouteConfigurationType(config::DataSourceAccess data_sources, const filter::HttpFilterTypes& filters)
      : data_sources_(data_sources), filters_(filters) {}
  std::string_view type_url() const override {
    return "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
  }
  bool absence_is_removal() const override { return false; }
  std::shared_ptr<const config::CompiledResource> Compile(std::string_view bytes, std::string& name,
                                                          config::Faults& faults) const override {
    return Recompile(bytes, nullptr, name, faults);
  }
  std::shared_ptr<const config::CompiledResource> Recompile(std::string_view bytes, const Before& before,
                                                            std::string& name, config::Faults& faults) const override;

 private:
  const config::DataSourceAccess data_sources_;
  const filter::HttpFilterTypes& filters_;
};

}  // namespace nuncio::proxy
