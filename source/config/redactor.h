#pragma once

#include "google/protobuf/message.h"

namespace nuncio::config {

// Takes out of `message` what nobody is to see: in fields marked `(udpa.annotations.sensitive)`, and in all below them,
// texts and bytes become kRedacted and other values their defaults. What an Any of a known type holds is treated alike;
// one of an unknown type below a sensitive field is emptied. Fields that the message's type does not know are dropped.
// For every message that is shown: dumps, diffs, logs.
void Redact(google::protobuf::Message& message);

inline constexpr char kRedacted[] = "[redacted]";

}  // namespace nuncio::config
