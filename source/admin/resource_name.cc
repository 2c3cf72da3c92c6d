#include "source/admin/resource_name.h"

#include <memory>

#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.h"

namespace nuncio::admin {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Listeners, clusters, route configurations, secrets and endpoint assignments have their name in the first field.
constexpr int kNameField = 1;

std::string NameWithin(const google::protobuf::Any& resource) {
  const std::string type = resource.type_url().substr(resource.type_url().rfind('/') + 1);
  const auto* descriptor = google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(type);
  if (descriptor == nullptr) return "";
  const FieldDescriptor* name = descriptor->FindFieldByNumber(kNameField);
  if (name == nullptr || name->cpp_type() != FieldDescriptor::CPPTYPE_STRING || name->is_repeated()) return "";
  const std::unique_ptr<Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
  if (!message->ParseFromString(resource.value())) return "";
  return message->GetReflection()->GetString(*message, name);
}

}  // namespace

std::string ResourceNameOf(const Message& element) {
  const google::protobuf::Descriptor& type = *element.GetDescriptor();
  const google::protobuf::Reflection& reflection = *element.GetReflection();
  if (const FieldDescriptor* name = type.FindFieldByName("name"); name != nullptr) {
    return reflection.GetString(element, name);
  }
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.is_repeated() || field.message_type() != google::protobuf::Any::descriptor()) continue;
    if (!reflection.HasField(element, &field)) continue;
    return NameWithin(static_cast<const google::protobuf::Any&>(reflection.GetMessage(element, &field)));
  }
  return "";
}

}  // namespace nuncio::admin
