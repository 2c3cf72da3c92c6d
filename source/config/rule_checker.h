#pragma once

#include "google/protobuf/message.h"
#include "source/config/fault.h"

namespace nuncio::config {

// What a check does about messages within google.protobuf.Any.
enum class AnyHandling {
  // Leaves them alone: the `:config` code that unpacks one checks it then (see typed_config.h).
  kSkip,
  // Goes into those whose type this program has; the others stay unchecked.
  kEnterKnown,
};

// Checks `message` and all messages below it against the rules that its .proto declares (`validate.rules`,
// api/validate/validate.proto), and adds a fault for each violation with the path of the field. True without any.
//
// What is to be checked is worked out once per message type, so the cost is that of visiting the fields which have
// rules, or rules below them. Any thread.
bool CheckRules(const google::protobuf::Message& message, Faults& faults, AnyHandling any = AnyHandling::kSkip);

}  // namespace nuncio::config
