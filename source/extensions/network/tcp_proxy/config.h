#pragma once

#include <memory>

#include "google/protobuf/any.pb.h"
#include "source/config/data_source.h"
#include "source/config/fault.h"
#include "source/filter/network_filter.h"

namespace nuncio::extensions {

// Called within the Scope of the field that holds `any`, which holds a TcpProxy. Null with faults.
std::shared_ptr<filter::TerminalFilterConfig> CompileTcpProxy(const google::protobuf::Any& any,
                                                              config::DataSourceAccess data_sources,
                                                              config::Faults& faults);

}  // namespace nuncio::extensions
