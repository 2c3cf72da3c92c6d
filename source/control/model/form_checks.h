#pragma once

#include "google/protobuf/message.h"
#include "source/config/fault.h"

namespace nuncio::control {

// Compiles a resource as a proxy would, with the proxy's own code, and throws the result away. Messages of types that
// have no such code pass. `resource` must keep its rules (config::CheckMessage).
void CheckForm(const google::protobuf::Message& resource, config::Faults& faults);

}  // namespace nuncio::control
