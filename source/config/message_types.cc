#include "source/config/message_types.h"

#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "source/base/strings.h"
#include "source/config/fault.h"

namespace nuncio::config {

using google::protobuf::Message;

std::string_view TypeName(std::string_view type_url) {
  const size_t slash = type_url.rfind('/');
  return slash == std::string_view::npos ? type_url : type_url.substr(slash + 1);
}

const Message* FindMessageType(std::string_view type_url) {
  const google::protobuf::Descriptor* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(std::string(TypeName(type_url)));
  if (descriptor == nullptr) return nullptr;
  return google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor);
}

std::unique_ptr<Message> UnpackKnown(const google::protobuf::Any& any) {
  const Message* prototype = FindMessageType(any.type_url());
  if (prototype == nullptr) return nullptr;
  std::unique_ptr<Message> message(prototype->New());
  if (!message->ParseFromString(any.value())) return nullptr;
  return message;
}

std::string UnknownTypeReason(std::string_view type_url) {
  const std::string_view name = TypeName(type_url);
  if (name.empty()) return "its type is not named: \"@type\" is missing";
  constexpr size_t kMaxName = 200;
  if (name.find(".v2.") != std::string_view::npos || name.find(".v2alpha.") != std::string_view::npos) {
    return StrCat("the type ", Quote(name, kMaxName), " is of the v2 API, which is gone; use its v3 successor");
  }
  return StrCat("this build does not have the type ", Quote(name, kMaxName));
}

std::string SerializeDeterministically(const Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializePartialToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

}  // namespace nuncio::config
