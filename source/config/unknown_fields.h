#pragma once

#include "google/protobuf/message.h"
#include "source/config/fault.h"
#include "source/config/rule_checker.h"

namespace nuncio::config {

// Reports, as `faults.policy()` says, the fields of `message` and of all messages below it that this program does not
// know: numbers that the .proto does not have, at the path of the message, and fields that are for the control plane
// only where this is a proxy, which are then also cleared. For messages from the wire and from binary files; LoadText
// does the same for texts.
void CheckUnknownFields(google::protobuf::Message& message, Faults& faults, AnyHandling any = AnyHandling::kSkip);

}  // namespace nuncio::config
