#include "source/config/unknown_fields.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/unknown_field_set.h"
#include "nuncio/annotations/v1/annotations.pb.h"
#include "source/base/strings.h"
#include "source/config/message_types.h"

namespace nuncio::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// The fields of a type that can hold messages, and those that a proxy does not know. Immutable once made.
struct Shape {
  enum class Kind : uint8_t { kSingular, kRepeated, kMap };
  struct Field {
    const FieldDescriptor* field;
    Kind kind;
    const Shape* below;
  };
  const Descriptor* descriptor = nullptr;
  bool is_any = false;
  std::vector<Field> with_messages;
  std::vector<const FieldDescriptor*> control_plane_only;
};

class ShapeStore {
 public:
  // The shape of a type, made at the first call with all that it refers to. Any thread.
  const Shape& Get(const Descriptor& descriptor) {
    {
      absl::ReaderMutexLock lock(&mutex_);
      const auto found = shapes_.find(&descriptor);
      if (found != shapes_.end()) return *found->second;
    }
    absl::MutexLock lock(&mutex_);
    return Make(descriptor);
  }

 private:
  const Shape& Make(const Descriptor& descriptor) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::unique_ptr<Shape>& slot = shapes_[&descriptor];
    if (slot != nullptr) return *slot;
    slot = std::make_unique<Shape>();
    Shape& shape = *slot;  // the slot itself may move in the calls below
    shape.descriptor = &descriptor;
    shape.is_any = descriptor.well_known_type() == Descriptor::WELLKNOWNTYPE_ANY;
    // Struct, wrappers and the like hold nothing that could be unknown.
    if (descriptor.well_known_type() != Descriptor::WELLKNOWNTYPE_UNSPECIFIED) return shape;
    for (int i = 0; i < descriptor.field_count(); ++i) {
      const FieldDescriptor* field = descriptor.field(i);
      if (field->options().GetExtension(annotations::v1::control_plane_only)) shape.control_plane_only.push_back(field);
      const FieldDescriptor* value = field->is_map() ? field->message_type()->map_value() : field;
      if (value->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
      const Shape::Kind kind = field->is_map()        ? Shape::Kind::kMap
                               : field->is_repeated() ? Shape::Kind::kRepeated
                                                      : Shape::Kind::kSingular;
      const Shape& below = Make(*value->message_type());
      shape.with_messages.push_back({field, kind, &below});
    }
    return shape;
  }

  absl::Mutex mutex_;
  absl::flat_hash_map<const Descriptor*, std::unique_ptr<Shape>> shapes_ ABSL_GUARDED_BY(mutex_);
};

const Shape& ShapeOf(const Descriptor& descriptor) {
  static ShapeStore& store = *new ShapeStore;
  return store.Get(descriptor);
}

class UnknownFieldWalk {
 public:
  UnknownFieldWalk(Faults& faults, AnyHandling any) : faults_(faults), any_(any) {}

  void Visit(Message& message, const Shape& shape) {
    if (faults_.depth() > Faults::kMaxDepth) {
      faults_.Add(StrCat("is nested deeper than ", Faults::kMaxDepth, " levels"));
      return;
    }
    const Reflection& reflection = *message.GetReflection();
    AddNumbers(reflection.GetUnknownFields(message), *shape.descriptor);
    if (shape.is_any) {
      if (any_ == AnyHandling::kEnterKnown) VisitAny(static_cast<google::protobuf::Any&>(message));
      return;
    }
    if (!faults_.policy().control_plane) ClearControlPlaneOnly(message, reflection, shape);
    for (const Shape::Field& field : shape.with_messages) VisitField(message, reflection, field);
  }

 private:
  void AddNumbers(const google::protobuf::UnknownFieldSet& fields, const Descriptor& descriptor) {
    int last = 0;
    for (int i = 0; i < fields.field_count(); ++i) {
      const int number = fields.field(i).number();
      if (number == last) continue;  // a repeated field
      last = number;
      faults_.AddUnknownField(StrCat("unknown field ", number, " in ", descriptor.full_name()));
    }
  }

  void ClearControlPlaneOnly(Message& message, const Reflection& reflection, const Shape& shape) {
    for (const FieldDescriptor* field : shape.control_plane_only) {
      const bool set =
          field->is_repeated() ? reflection.FieldSize(message, field) > 0 : reflection.HasField(message, field);
      if (!set) continue;
      Faults::Scope scope(faults_, field->name());
      faults_.AddUnknownField(
          StrCat("unknown field in ", message.GetDescriptor()->full_name(), ", served by the control plane only"));
      reflection.ClearField(&message, field);
    }
  }

  void VisitField(Message& message, const Reflection& reflection, const Shape::Field& shape) {
    const FieldDescriptor& field = *shape.field;
    if (shape.kind == Shape::Kind::kSingular) {
      if (!reflection.HasField(message, &field)) return;
      Faults::Scope scope(faults_, field.name());
      Visit(*reflection.MutableMessage(&message, &field), *shape.below);
      return;
    }
    const int size = reflection.FieldSize(message, &field);
    for (int i = 0; i < size; ++i) {
      Message& item = *reflection.MutableRepeatedMessage(&message, &field, i);
      if (shape.kind == Shape::Kind::kMap) {
        VisitEntry(item, shape);
      } else {
        Faults::Scope scope(faults_, field.name(), static_cast<size_t>(i));
        Visit(item, *shape.below);
      }
    }
  }

  void VisitEntry(Message& entry, const Shape::Field& shape) {
    const Descriptor& type = *shape.field->message_type();
    const FieldDescriptor& key = *type.map_key();
    const Reflection& reflection = *entry.GetReflection();
    const std::string name = key.cpp_type() == FieldDescriptor::CPPTYPE_STRING ? reflection.GetString(entry, &key) : "";
    Faults::Scope scope(faults_, shape.field->name(), std::string_view(name));
    Visit(*reflection.MutableMessage(&entry, type.map_value()), *shape.below);
  }

  void VisitAny(google::protobuf::Any& any) {
    const std::unique_ptr<Message> message = UnpackKnown(any);
    if (message == nullptr) return;
    // What a copy loses does not matter: whoever reads the payload unpacks and checks it again.
    Visit(*message, ShapeOf(*message->GetDescriptor()));
  }

  Faults& faults_;
  const AnyHandling any_;
};

}  // namespace

void CheckUnknownFields(Message& message, Faults& faults, AnyHandling any) {
  UnknownFieldWalk(faults, any).Visit(message, ShapeOf(*message.GetDescriptor()));
}

}  // namespace nuncio::config
