#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "google/protobuf/any.pb.h"
#include "source/control/model/resource.h"
#include "source/control/model/resource_fault.h"

namespace nuncio::control {

// Checks one resource by itself: its name, its form, the rules of the .proto, and all that the proxy's own `:config`
// code says of it, in its words. Null where the resource cannot even be named; otherwise the resource, whatever is
// wrong with it, so that checks of the whole set can go on. Any thread.
//
// `name` as the operator gave it, or empty. `index` goes into the faults.
ResourcePtr CheckResource(const std::string& name, const google::protobuf::Any& any, std::optional<uint32_t> index,
                          ResourceFaults& faults);

}  // namespace nuncio::control
