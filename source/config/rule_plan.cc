#include "source/config/rule_plan.h"

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace nuncio::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

class PlanStore {
 public:
  const MessagePlan& Get(const Descriptor& descriptor) {
    {
      absl::ReaderMutexLock lock(&mutex_);
      const auto found = plans_.find(&descriptor);
      if (found != plans_.end()) return *found->second;
    }
    absl::MutexLock lock(&mutex_);
    const auto found = plans_.find(&descriptor);
    if (found != plans_.end()) return *found->second;
    // Types refer to each other in circles: first a plan for each that is within reach, then what follows from those
    // below, until nothing changes.
    std::vector<MessagePlan*> fresh;
    MessagePlan& plan = Make(descriptor, fresh);
    bool changed = true;
    while (changed) {
      changed = false;
      for (MessagePlan* p : fresh) {
        for (const FieldPlan& field : p->fields) {
          if (field.below == nullptr) continue;
          changed |= (field.below->has_rules && !p->has_rules) || (field.below->has_any && !p->has_any);
          p->has_rules |= field.below->has_rules;
          p->has_any |= field.below->has_any;
        }
      }
    }
    for (MessagePlan* p : fresh) DropIdleFields(*p);
    return plan;
  }

 private:
  MessagePlan& Make(const Descriptor& descriptor, std::vector<MessagePlan*>& fresh)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::unique_ptr<MessagePlan>& slot = plans_[&descriptor];
    if (slot != nullptr) return *slot;
    slot = std::make_unique<MessagePlan>();
    MessagePlan& plan = *slot;  // the slot itself may move in the calls below
    fresh.push_back(&plan);
    if (descriptor.well_known_type() == Descriptor::WELLKNOWNTYPE_ANY) {
      plan.is_any = plan.has_any = true;
      return plan;
    }
    const auto& options = descriptor.options();
    if (options.GetExtension(validate::disabled) || options.GetExtension(validate::ignored)) return plan;
    for (int i = 0; i < descriptor.oneof_decl_count(); ++i) {
      const auto* oneof = descriptor.oneof_decl(i);
      if (!oneof->options().GetExtension(validate::required)) continue;
      plan.required_oneofs.push_back(oneof);
      plan.has_rules = true;
    }
    for (int i = 0; i < descriptor.field_count(); ++i) {
      plan.fields.push_back(MakeField(*descriptor.field(i), fresh));
      const FieldPlan& field = plan.fields.back();
      plan.has_rules |= field.required || field.own.rules != nullptr;
    }
    return plan;
  }

  FieldPlan MakeField(const FieldDescriptor& field, std::vector<MessagePlan*>& fresh)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    FieldPlan plan;
    plan.field = &field;
    plan.kind = field.is_map()        ? FieldPlan::Kind::kMap
                : field.is_repeated() ? FieldPlan::Kind::kRepeated
                                      : FieldPlan::Kind::kSingular;
    plan.has_presence = field.has_presence();
    bool skip = false;
    if (field.options().HasExtension(validate::rules)) {
      const validate::FieldRules& rules = field.options().GetExtension(validate::rules);
      skip = rules.message().skip();
      plan.required = field.real_containing_oneof() == nullptr &&
                      (rules.message().required() || rules.any().required() || rules.duration().required());
      if (rules.type_case() != validate::FieldRules::TYPE_NOT_SET) SetRules(plan.own, rules);
      if (rules.repeated().has_items()) {
        SetRules(plan.items, rules.repeated().items());
        skip |= rules.repeated().items().message().skip();
      }
      if (rules.map().has_values()) {
        SetRules(plan.items, rules.map().values());
        skip |= rules.map().values().message().skip();
      }
      if (rules.map().has_keys()) SetRules(plan.keys, rules.map().keys());
    }
    const FieldDescriptor& value = field.is_map() ? *field.message_type()->map_value() : field;
    if (!skip && value.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      plan.below = &Make(*value.message_type(), fresh);
    }
    return plan;
  }

  static void SetRules(ValueRules& out, const validate::FieldRules& rules) {
    out.rules = &rules;
    if (rules.string().has_pattern()) out.pattern = std::make_unique<RE2>(rules.string().pattern(), RE2::Quiet);
  }

  static void DropIdleFields(MessagePlan& plan) {
    std::vector<FieldPlan> kept;
    for (FieldPlan& field : plan.fields) {
      if (field.below != nullptr && !field.below->has_rules && !field.below->has_any) field.below = nullptr;
      const bool idle = field.below == nullptr && !field.required && field.own.rules == nullptr;
      if (!idle) kept.push_back(std::move(field));
    }
    plan.fields = std::move(kept);
  }

  absl::Mutex mutex_;
  absl::flat_hash_map<const Descriptor*, std::unique_ptr<MessagePlan>> plans_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

const MessagePlan& PlanFor(const Descriptor& descriptor) {
  static PlanStore& store = *new PlanStore;
  return store.Get(descriptor);
}

}  // namespace nuncio::config
