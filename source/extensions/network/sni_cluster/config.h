#pragma once

#include <memory>

#include "google/protobuf/any.pb.h"
#include "source/config/fault.h"
#include "source/filter/network_filter.h"

namespace nuncio::extensions {

// Called within the Scope of the field that holds `any`, which holds an SniCluster. Null with faults.
std::shared_ptr<filter::NetworkFilterConfig> CompileSniCluster(const google::protobuf::Any& any,
                                                               config::Faults& faults);

}  // namespace nuncio::extensions
