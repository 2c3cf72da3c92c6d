#pragma once

#include "google/protobuf/message.h"
#include "source/config/fault.h"
#include "source/config/rule_plan.h"

namespace nuncio::config {

// Checks the value of `field` in `message`, of item `index` of a list where that is not negative, against `rules`.
// Faults are added at the current path. Messages are checked only as Duration, Any or wrapper.
void CheckValue(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field, int index,
                const ValueRules& rules, Faults& faults);

}  // namespace nuncio::config
