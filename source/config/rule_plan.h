#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "re2/re2.h"
#include "validate/validate.pb.h"

namespace nuncio::config {

// The rules of one value: a scalar field, an item, a map key or a map value.
struct ValueRules {
  const validate::FieldRules* rules = nullptr;  // owned by the descriptor; null: none
  std::unique_ptr<RE2> pattern;                 // of rules->string().pattern()
};

struct MessagePlan;

// What is to be checked about one field.
struct FieldPlan {
  enum class Kind : uint8_t { kSingular, kRepeated, kMap };

  const google::protobuf::FieldDescriptor* field = nullptr;
  // Asking the descriptor for these takes longer than most checks.
  Kind kind = Kind::kSingular;
  bool has_presence = false;
  // Must be set. Not true of members of a oneof: those are required only where chosen, and then they are set.
  bool required = false;
  // The field's own rules: of a singular value, or of the list or map as a whole.
  ValueRules own;
  // Of each item of a list, or of each map value.
  ValueRules items;
  ValueRules keys;
  // Of the messages in the field, null where nothing below them has rules or `skip` says so.
  const MessagePlan* below = nullptr;
};

// What is to be checked about messages of one type. Immutable once made; lives as long as the program.
struct MessagePlan {
  std::vector<FieldPlan> fields;
  std::vector<const google::protobuf::OneofDescriptor*> required_oneofs;
  // The type is google.protobuf.Any.
  bool is_any = false;
  // Anything to check here or below, an Any counting as nothing.
  bool has_rules = false;
  // A google.protobuf.Any is here or below.
  bool has_any = false;
};

// The plan for a type, made at the first call. Any thread.
const MessagePlan& PlanFor(const google::protobuf::Descriptor& descriptor);

}  // namespace nuncio::config
