#pragma once

#include <memory>

#include "google/protobuf/any.pb.h"
#include "source/config/fault.h"
#include "source/filter/listener_filter.h"

namespace nuncio::extensions {

// Called within the Scope of the field that holds `any`, which holds a TlsInspector. Null with faults.
std::shared_ptr<filter::ListenerFilterConfig> CompileTlsInspector(const google::protobuf::Any& any,
                                                                  config::Faults& faults);

}  // namespace nuncio::extensions
