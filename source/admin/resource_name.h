#pragma once

#include <string>

#include "google/protobuf/message.h"

namespace nuncio::admin {

// The name of the resource that an element of a configuration dump is about (DynamicListener, StaticCluster ...): its
// own `name`, or else that within the resource it shows. Empty where it shows none.
std::string ResourceNameOf(const google::protobuf::Message& element);

}  // namespace nuncio::admin
