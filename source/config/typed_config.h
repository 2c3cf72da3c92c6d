#pragma once

#include <string_view>

#include "google/protobuf/any.pb.h"
#include "google/protobuf/message.h"
#include "source/config/fault.h"

// From bytes or Any to a message that is known, whole and within its rules: what every `:config` begins with. Each
// returns true without faults; on faults the message holds what could be read.
namespace nuncio::config {

// Checks a message in hand: unknown fields as `faults.policy()` says, then rules. Not what is within an Any.
bool CheckMessage(google::protobuf::Message& message, Faults& faults);

// Parses the wire form, then as CheckMessage.
bool ParseAndCheck(std::string_view bytes, google::protobuf::Message& message, Faults& faults);

// Takes `message`'s type out of `any`, then as CheckMessage. Another type, or none, is a fault that names both. To be
// called within the Scope of the field that holds `any`; what is wrong inside is reported right below that path.
bool UnpackAndCheck(const google::protobuf::Any& any, google::protobuf::Message& message, Faults& faults);

template <typename M>
bool UnpackAndCheck(const google::protobuf::Any& any, M* message, Faults& faults) {
  return UnpackAndCheck(any, static_cast<google::protobuf::Message&>(*message), faults);
}

// Whether `any` holds an M, going by its type URL.
template <typename M>
bool Holds(const google::protobuf::Any& any) {
  return any.template Is<M>();
}

}  // namespace nuncio::config
