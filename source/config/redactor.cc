#include "source/config/redactor.h"

#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.h"
#include "source/config/message_types.h"
#include "udpa/annotations/sensitive.pb.h"

namespace nuncio::config {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Messages within Any can be nested deeper than the wire format's own limit; below this all is taken out.
constexpr int kMaxDepth = 100;

void Visit(Message& message, bool sensitive, int depth);

void VisitAny(google::protobuf::Any& any, bool sensitive, int depth) {
  const std::unique_ptr<Message> inner = depth < kMaxDepth ? UnpackKnown(any) : nullptr;
  if (inner == nullptr) {
    if (sensitive || depth >= kMaxDepth) any.clear_value();
    return;
  }
  Visit(*inner, sensitive, depth + 1);
  any.set_value(SerializeDeterministically(*inner));
}

void RedactText(Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  if (!field.is_repeated()) return reflection.SetString(&message, &field, kRedacted);
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    reflection.SetRepeatedString(&message, &field, i, kRedacted);
  }
}

// An entry's key names it and stays, as the names of fields do.
void VisitMessages(Message& message, const FieldDescriptor& field, bool sensitive, int depth) {
  const Reflection& reflection = *message.GetReflection();
  if (!field.is_repeated()) return Visit(*reflection.MutableMessage(&message, &field), sensitive, depth + 1);
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    Message& element = *reflection.MutableRepeatedMessage(&message, &field, i);
    if (!field.is_map()) {
      Visit(element, sensitive, depth + 1);
      continue;
    }
    const FieldDescriptor& value = *field.message_type()->map_value();
    if (value.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      Visit(*element.GetReflection()->MutableMessage(&element, &value), sensitive, depth + 1);
    } else if (sensitive && value.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      RedactText(element, value);
    }
  }
}

void Visit(Message& message, bool sensitive, int depth) {
  const Reflection& reflection = *message.GetReflection();
  reflection.MutableUnknownFields(&message)->Clear();
  if (message.GetDescriptor()->full_name() == google::protobuf::Any::descriptor()->full_name()) {
    return VisitAny(static_cast<google::protobuf::Any&>(message), sensitive, depth);
  }
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool hidden = sensitive || field->options().GetExtension(udpa::annotations::sensitive);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      VisitMessages(message, *field, hidden, depth);
    } else if (hidden && field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      RedactText(message, *field);
    } else if (hidden) {
      reflection.ClearField(&message, field);
    }
  }
}

}  // namespace

void Redact(Message& message) { Visit(message, /*sensitive=*/false, 0); }

}  // namespace nuncio::config
