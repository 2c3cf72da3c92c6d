#include "source/config/typed_config.h"

#include "source/base/strings.h"
#include "source/config/message_types.h"
#include "source/config/rule_checker.h"
#include "source/config/unknown_fields.h"

namespace nuncio::config {

using google::protobuf::Message;

bool CheckMessage(Message& message, Faults& faults) {
  const size_t before = faults.count();
  CheckUnknownFields(message, faults);
  CheckRules(message, faults);
  return faults.count() == before;
}

bool ParseAndCheck(std::string_view bytes, Message& message, Faults& faults) {
  if (bytes.size() > INT32_MAX || !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    faults.Add(StrCat("is not a valid ", message.GetDescriptor()->full_name()));
    return false;
  }
  return CheckMessage(message, faults);
}

bool UnpackAndCheck(const google::protobuf::Any& any, Message& message, Faults& faults) {
  const std::string& expected = message.GetDescriptor()->full_name();
  const std::string_view actual = TypeName(any.type_url());
  if (actual != expected) {
    faults.Add(actual.empty() ? StrCat("must hold ", expected, " (\"@type\" is missing)")
                              : StrCat("must hold ", expected, " (holds ", Quote(actual, 200), ")"));
    return false;
  }
  if (faults.depth() > Faults::kMaxDepth) {
    faults.Add(StrCat("is nested deeper than ", Faults::kMaxDepth, " levels"));
    return false;
  }
  return ParseAndCheck(any.value(), message, faults);
}

}  // namespace nuncio::config
