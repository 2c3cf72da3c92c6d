#pragma once

#include <memory>
#include <string_view>

#include "google/protobuf/any.pb.h"
#include "source/config/data_source.h"
#include "source/config/fault.h"
#include "source/filter/listener_filter.h"
#include "source/filter/network_filter.h"

// The extensions there are, by the message that configures each: from protobuf to what registry.h makes filters of.
namespace nuncio::extensions {

// One of the two, or neither with faults.
struct CompiledNetworkFilter {
  std::shared_ptr<const filter::NetworkFilterConfig> filter;
  std::shared_ptr<const filter::TerminalFilterConfig> terminal;
};

// Each is called within the Scope of the field that holds `any`; `name` is the label beside it.
CompiledNetworkFilter CompileNetworkFilter(const google::protobuf::Any& any, std::string_view name,
                                           config::DataSourceAccess data_sources, config::Faults& faults);
std::shared_ptr<const filter::ListenerFilterConfig> CompileListenerFilter(const google::protobuf::Any& any,
                                                                          std::string_view name,
                                                                          config::Faults& faults);

// A tls_inspector with its defaults.
std::shared_ptr<const filter::ListenerFilterConfig> DefaultTlsInspector();

}  // namespace nuncio::extensions
