#include "source/config/rule_checker.h"

#include <memory>
#include <string>
#include <unordered_map>

#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.h"
#include "source/base/strings.h"
#include "source/config/message_types.h"
#include "source/config/rule_plan.h"
#include "source/config/value_rules.h"

namespace nuncio::config {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;

class RuleWalk {
 public:
  RuleWalk(Faults& faults, AnyHandling any) : faults_(faults), any_(any) {}

  void Visit(const Message& message, const MessagePlan& plan) {
    if (!plan.has_rules && !(plan.has_any && any_ == AnyHandling::kEnterKnown)) return;
    if (faults_.depth() > Faults::kMaxDepth) {
      faults_.Add(StrCat("is nested deeper than ", Faults::kMaxDepth, " levels"));
      return;
    }
    if (plan.is_any) {
      VisitAny(static_cast<const google::protobuf::Any&>(message));
      return;
    }
    const Reflection& reflection = *message.GetReflection();
    for (const OneofDescriptor* oneof : plan.required_oneofs) {
      if (!reflection.HasOneof(message, oneof)) AddUnsetOneof(*oneof);
    }
    for (const FieldPlan& field : plan.fields) {
      switch (field.kind) {
        case FieldPlan::Kind::kSingular:
          VisitSingular(message, reflection, field);
          break;
        case FieldPlan::Kind::kRepeated:
          VisitRepeated(message, reflection, field);
          break;
        case FieldPlan::Kind::kMap:
          VisitMap(message, reflection, field);
          break;
      }
    }
  }

 private:
  void AddUnsetOneof(const OneofDescriptor& oneof) {
    std::string names;
    for (int i = 0; i < oneof.field_count(); ++i) StrAppend(names, i == 0 ? "" : ", ", oneof.field(i)->name());
    faults_.Add(oneof.field_count() == 1 ? StrCat(names, " must be set") : StrCat("one of ", names, " must be set"));
  }

  void VisitAny(const google::protobuf::Any& any) {
    const std::unique_ptr<Message> message = UnpackKnown(any);
    if (message != nullptr) Visit(*message, PlanFor(*message->GetDescriptor()));
  }

  void VisitSingular(const Message& message, const Reflection& reflection, const FieldPlan& plan) {
    const FieldDescriptor& field = *plan.field;
    if (plan.has_presence && !reflection.HasField(message, &field)) {
      if (plan.required) faults_.Add(field.name(), "must be set");
      return;
    }
    Faults::Scope scope(faults_, field.name());
    if (plan.own.rules != nullptr) CheckValue(message, field, -1, plan.own, faults_);
    if (plan.below != nullptr) Visit(reflection.GetMessage(message, &field), *plan.below);
  }

  void VisitRepeated(const Message& message, const Reflection& reflection, const FieldPlan& plan) {
    const FieldDescriptor& field = *plan.field;
    const int size = reflection.FieldSize(message, &field);
    if (plan.own.rules != nullptr) {
      const validate::RepeatedRules& rules = plan.own.rules->repeated();
      if (size == 0 && rules.ignore_empty()) return;
      CheckCount(field, size, rules.has_min_items(), rules.min_items(), rules.has_max_items(), rules.max_items());
      if (rules.unique()) CheckUnique(message, field, size);
    }
    if (plan.items.rules == nullptr && plan.below == nullptr) return;
    for (int i = 0; i < size; ++i) {
      Faults::Scope scope(faults_, field.name(), static_cast<size_t>(i));
      if (plan.items.rules != nullptr) CheckValue(message, field, i, plan.items, faults_);
      if (plan.below != nullptr) Visit(reflection.GetRepeatedMessage(message, &field, i), *plan.below);
    }
  }

  void VisitMap(const Message& message, const Reflection& reflection, const FieldPlan& plan) {
    const FieldDescriptor& field = *plan.field;
    const int size = reflection.FieldSize(message, &field);
    if (plan.own.rules != nullptr) {
      const validate::MapRules& rules = plan.own.rules->map();
      if (size == 0 && rules.ignore_empty()) return;
      CheckCount(field, size, rules.has_min_pairs(), rules.min_pairs(), rules.has_max_pairs(), rules.max_pairs());
    }
    if (plan.items.rules == nullptr && plan.keys.rules == nullptr && plan.below == nullptr) return;
    const FieldDescriptor& value = *field.message_type()->map_value();
    for (int i = 0; i < size; ++i) {
      const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
      Faults::Scope scope(faults_, field.name(),
                          std::string_view(ScalarText(entry, *field.message_type()->map_key(), -1)));
      if (plan.keys.rules != nullptr) CheckValue(entry, *field.message_type()->map_key(), -1, plan.keys, faults_);
      if (plan.items.rules != nullptr) CheckValue(entry, value, -1, plan.items, faults_);
      if (plan.below != nullptr) Visit(entry.GetReflection()->GetMessage(entry, &value), *plan.below);
    }
  }

  void CheckCount(const FieldDescriptor& field, int size, bool has_min, uint64_t min, bool has_max, uint64_t max) {
    const uint64_t count = static_cast<uint64_t>(size);
    if (has_min && count < min) {
      faults_.Add(field.name(), count == 0 ? std::string("must not be empty")
                                           : StrCat("must have at least ", min, " entries (has ", count, ")"));
    }
    if (has_max && count > max) {
      faults_.Add(field.name(), StrCat("must have at most ", max, " entries (has ", count, ")"));
    }
  }

  void CheckUnique(const Message& message, const FieldDescriptor& field, int size) {
    std::unordered_map<std::string, int> seen;
    for (int i = 0; i < size; ++i) {
      const auto [first, fresh] = seen.emplace(ScalarText(message, field, i), i);
      if (fresh) continue;
      Faults::Scope scope(faults_, field.name(), static_cast<size_t>(i));
      faults_.Add(StrCat("must not be the same as ", field.name(), "[", first->second, "]: ", Quote(first->first)));
    }
  }

  // A scalar, singular where `index` is negative, as text that tells different values apart.
  static std::string ScalarText(const Message& message, const FieldDescriptor& field, int index) {
    const Reflection& r = *message.GetReflection();
    const FieldDescriptor* f = &field;
    const bool one = index < 0;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return StrCat(one ? r.GetInt32(message, f) : r.GetRepeatedInt32(message, f, index));
      case FieldDescriptor::CPPTYPE_INT64:
        return StrCat(one ? r.GetInt64(message, f) : r.GetRepeatedInt64(message, f, index));
      case FieldDescriptor::CPPTYPE_UINT32:
        return StrCat(one ? r.GetUInt32(message, f) : r.GetRepeatedUInt32(message, f, index));
      case FieldDescriptor::CPPTYPE_UINT64:
        return StrCat(one ? r.GetUInt64(message, f) : r.GetRepeatedUInt64(message, f, index));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return StrCat(one ? r.GetDouble(message, f) : r.GetRepeatedDouble(message, f, index));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return StrCat(one ? r.GetFloat(message, f) : r.GetRepeatedFloat(message, f, index));
      case FieldDescriptor::CPPTYPE_BOOL:
        return StrCat(one ? r.GetBool(message, f) : r.GetRepeatedBool(message, f, index));
      case FieldDescriptor::CPPTYPE_ENUM:
        return StrCat(one ? r.GetEnumValue(message, f) : r.GetRepeatedEnumValue(message, f, index));
      case FieldDescriptor::CPPTYPE_STRING:
        return one ? r.GetString(message, f) : r.GetRepeatedString(message, f, index);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        break;
    }
    return SerializeDeterministically(one ? r.GetMessage(message, f) : r.GetRepeatedMessage(message, f, index));
  }

  Faults& faults_;
  const AnyHandling any_;
};

}  // namespace

bool CheckRules(const Message& message, Faults& faults, AnyHandling any) {
  const size_t before = faults.count();
  RuleWalk(faults, any).Visit(message, PlanFor(*message.GetDescriptor()));
  return faults.count() == before;
}

}  // namespace nuncio::config
