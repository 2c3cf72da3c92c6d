#include "source/config/unknown_fields.h"

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

// The fields of a type that can hold messages, and those that a proxy does not know.
struct Shape {
  std::vector<const FieldDescriptor*> with_messages;
  std::vector<const FieldDescriptor*> control_plane_only;
};

// The shape of a type, made at the first call. Any thread.
const Shape& ShapeOf(const Descriptor& descriptor) {
  static auto& mutex = *new absl::Mutex;
  static auto& shapes = *new absl::flat_hash_map<const Descriptor*, std::unique_ptr<const Shape>>;
  {
    absl::ReaderMutexLock lock(&mutex);
    const auto found = shapes.find(&descriptor);
    if (found != shapes.end()) return *found->second;
  }
  auto shape = std::make_unique<Shape>();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor* field = descriptor.field(i);
    if (field->options().GetExtension(annotations::v1::control_plane_only)) shape->control_plane_only.push_back(field);
    const FieldDescriptor* value = field->is_map() ? field->message_type()->map_value() : field;
    if (value->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) shape->with_messages.push_back(field);
  }
  absl::MutexLock lock(&mutex);
  return *shapes.emplace(&descriptor, std::move(shape)).first->second;
}

class UnknownFieldWalk {
 public:
  UnknownFieldWalk(Faults& faults, AnyHandling any) : faults_(faults), any_(any) {}

  void Visit(Message& message) {
    if (faults_.depth() > Faults::kMaxDepth) {
      faults_.Add(StrCat("is nested deeper than ", Faults::kMaxDepth, " levels"));
      return;
    }
    const Descriptor& descriptor = *message.GetDescriptor();
    const Reflection& reflection = *message.GetReflection();
    AddNumbers(reflection.GetUnknownFields(message), descriptor);
    if (descriptor.well_known_type() == Descriptor::WELLKNOWNTYPE_ANY) {
      if (any_ == AnyHandling::kEnterKnown) VisitAny(static_cast<google::protobuf::Any&>(message));
      return;
    }
    // Struct, wrappers and the like hold nothing that could be unknown.
    if (descriptor.well_known_type() != Descriptor::WELLKNOWNTYPE_UNSPECIFIED) return;
    const Shape& shape = ShapeOf(descriptor);
    if (!faults_.policy().control_plane) ClearControlPlaneOnly(message, shape);
    for (const FieldDescriptor* field : shape.with_messages) VisitField(message, *field);
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

  void ClearControlPlaneOnly(Message& message, const Shape& shape) {
    const Reflection& reflection = *message.GetReflection();
    for (const FieldDescriptor* field : shape.control_plane_only) {
      const bool set = field->is_repeated() ? reflection.FieldSize(message, field) > 0 : reflection.HasField(message, field);
      if (!set) continue;
      Faults::Scope scope(faults_, field->name());
      faults_.AddUnknownField(
          StrCat("unknown field in ", message.GetDescriptor()->full_name(), ", served by the control plane only"));
      reflection.ClearField(&message, field);
    }
  }

  void VisitField(Message& message, const FieldDescriptor& field) {
    const Reflection& reflection = *message.GetReflection();
    if (!field.is_repeated()) {
      if (!reflection.HasField(message, &field)) return;
      Faults::Scope scope(faults_, field.name());
      Visit(*reflection.MutableMessage(&message, &field));
      return;
    }
    const int size = reflection.FieldSize(message, &field);
    for (int i = 0; i < size; ++i) {
      Message& item = *reflection.MutableRepeatedMessage(&message, &field, i);
      if (field.is_map()) {
        VisitEntry(item, field);
      } else {
        Faults::Scope scope(faults_, field.name(), static_cast<size_t>(i));
        Visit(item);
      }
    }
  }

  void VisitEntry(Message& entry, const FieldDescriptor& field) {
    const FieldDescriptor& key = *field.message_type()->map_key();
    const Reflection& reflection = *entry.GetReflection();
    const std::string name = key.cpp_type() == FieldDescriptor::CPPTYPE_STRING ? reflection.GetString(entry, &key) : "";
    Faults::Scope scope(faults_, field.name(), std::string_view(name));
    Visit(*reflection.MutableMessage(&entry, field.message_type()->map_value()));
  }

  void VisitAny(google::protobuf::Any& any) {
    const std::unique_ptr<Message> message = UnpackKnown(any);
    if (message == nullptr) return;
    // What a copy loses does not matter: whoever reads the payload unpacks and checks it again.
    Visit(*message);
  }

  Faults& faults_;
  const AnyHandling any_;
};

}  // namespace

void CheckUnknownFields(Message& message, Faults& faults, AnyHandling any) { UnknownFieldWalk(faults, any).Visit(message); }

}  // namespace nuncio::config
