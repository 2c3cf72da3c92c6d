#pragma once

#include <memory>

#include "google/protobuf/any.pb.h"
#include "source/config/fault.h"
#include "source/filter/http_filter_factory.h"

namespace nuncio::extensions {

// Called within the Scope of the field that holds `any`, which holds a GrpcWeb. Null with faults.
std::shared_ptr<const filter::HttpFilterConfig> CompileGrpcWeb(const google::protobuf::Any& any,
                                                               config::Faults& faults);

}  // namespace nuncio::extensions
