// MessageBuilder's half for the types of google.protobuf that have a form of their own in JSON and YAML.
#include <memory>
#include <optional>
#include <string>

#include "google/protobuf/any.pb.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/util/field_mask_util.h"
#include "google/protobuf/util/time_util.h"
#include "source/base/strings.h"
#include "source/config/message_builder.h"
#include "source/config/message_types.h"
#include "source/config/scalar_text.h"

namespace nuncio::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::Message;

constexpr std::string_view kTypeKey = "@type";
constexpr std::string_view kDefaultTypePrefix = "type.googleapis.com/";

}  // namespace

void MessageBuilder::ReadAny(const TextNode& node, Message& message, size_t depth) {
  auto& any = static_cast<google::protobuf::Any&>(message);
  if (node.kind != TextNode::Kind::kMapping) {
    AddWrongValue(node, "an object with \"@type\"");
    return;
  }
  const std::vector<Entry> entries = Entries(node, depth);
  if (entries.empty()) return;
  const TextNode* type = nullptr;
  for (const Entry& entry : entries) {
    if (entry.key->text != kTypeKey) continue;
    if (type != nullptr) {
      Faults::Scope scope(faults_, kTypeKey);
      AddFault(*entry.key, "is given twice");
      return;
    }
    type = entry.value;
  }
  if (type == nullptr) {
    AddFault(node, "\"@type\" is missing: it names the type of what follows");
    return;
  }
  if (type->kind != TextNode::Kind::kScalar || type->text.empty()) {
    Faults::Scope scope(faults_, kTypeKey);
    AddWrongValue(*type, "a type URL");
    return;
  }
  const Message* prototype = FindMessageType(type->text);
  if (prototype == nullptr) {
    AddFault(*type, UnknownTypeReason(type->text));
    return;
  }
  std::unique_ptr<Message> payload(prototype->New());
  if (payload->GetDescriptor()->well_known_type() == Descriptor::WELLKNOWNTYPE_UNSPECIFIED) {
    ReadFields(entries, *payload, depth, true);
  } else {
    for (const auto& [key, value] : entries) {
      if (key->text == kTypeKey) continue;
      Faults::Scope scope(faults_, key->text);
      if (key->text == "value") {
        if (value->kind != TextNode::Kind::kNull) ReadMessage(*value, *payload, depth + 1);
      } else {
        AddFault(*key, StrCat("unknown field: what a ", payload->GetDescriptor()->full_name(),
                              " holds stands under \"value\""));
      }
    }
  }
  const std::string_view name = TypeName(type->text);
  any.set_type_url(name.size() == type->text.size() ? StrCat(kDefaultTypePrefix, name) : type->text);
  any.set_value(SerializeDeterministically(*payload));
}

void MessageBuilder::ReadDuration(const TextNode& node, Message& message, size_t depth) {
  if (node.kind == TextNode::Kind::kMapping) {
    ReadFields(Entries(node, depth), message, depth, false);
    return;
  }
  if (node.kind != TextNode::Kind::kScalar) {
    AddWrongValue(node, "a duration such as \"1.5s\"");
    return;
  }
  std::string reason;
  const std::optional<SecondsAndNanos> parsed = ParseDuration(node.text, reason);
  if (!parsed) {
    AddFault(node, StrCat(reason, " (", Quote(node.text), ")"));
    return;
  }
  auto& duration = static_cast<google::protobuf::Duration&>(message);
  duration.set_seconds(parsed->seconds);
  duration.set_nanos(parsed->nanos);
}

void MessageBuilder::ReadWrapper(const TextNode& node, Message& message, size_t depth) {
  if (node.kind == TextNode::Kind::kMapping) {
    ReadFields(Entries(node, depth), message, depth, false);
    return;
  }
  ReadScalar(node, *message.GetDescriptor()->field(0), message);
}

void MessageBuilder::ReadTextual(const TextNode& node, Message& message) {
  const bool is_time = message.GetDescriptor()->well_known_type() == Descriptor::WELLKNOWNTYPE_TIMESTAMP;
  bool ok = node.kind == TextNode::Kind::kScalar;
  if (ok && is_time) {
    ok = google::protobuf::util::TimeUtil::FromString(node.text, static_cast<google::protobuf::Timestamp*>(&message));
  } else if (ok) {
    ok = google::protobuf::util::FieldMaskUtil::FromJsonString(node.text,
                                                               static_cast<google::protobuf::FieldMask*>(&message));
  }
  if (!ok)
    AddWrongValue(node, is_time ? "a time such as \"2024-05-01T12:00:00Z\"" : "names of fields, comma-separated");
}

void MessageBuilder::ReadStruct(const TextNode& node, google::protobuf::Struct& out, size_t depth) {
  if (node.kind != TextNode::Kind::kMapping) {
    AddWrongValue(node, "an object");
    return;
  }
  for (const auto& [key, value] : Entries(node, depth)) {
    if (exhausted_) return;
    Faults::Scope scope(faults_, "", std::string_view(key->text));
    if (out.fields().contains(key->text)) {
      AddFault(*key, "is given twice");
    } else if (Enter(*value, depth + 1)) {
      ReadValue(*value, (*out.mutable_fields())[key->text], depth + 1);
    }
  }
}

void MessageBuilder::ReadList(const TextNode& node, google::protobuf::ListValue& out, size_t depth) {
  if (node.kind != TextNode::Kind::kSequence) {
    AddWrongValue(node, "a list");
    return;
  }
  size_t index = 0;
  for (const TextNode::Child& item : node.children) {
    if (exhausted_) return;
    if (item.ignored) continue;
    Faults::Scope scope(faults_, "", index++);
    if (Enter(*item.node, depth + 1)) ReadValue(*item.node, *out.add_values(), depth + 1);
  }
}

void MessageBuilder::ReadValue(const TextNode& node, google::protobuf::Value& out, size_t depth) {
  switch (node.kind) {
    case TextNode::Kind::kNull:
      out.set_null_value(google::protobuf::NULL_VALUE);
      return;
    case TextNode::Kind::kSequence:
      ReadList(node, *out.mutable_list_value(), depth);
      return;
    case TextNode::Kind::kMapping:
      ReadStruct(node, *out.mutable_struct_value(), depth);
      return;
    case TextNode::Kind::kScalar:
      break;
  }
  if (node.plain) {
    if (const std::optional<bool> truth = ParseBool(node.text)) {
      out.set_bool_value(*truth);
      return;
    }
    if (const std::optional<double> number = ParseDouble(node.text)) {
      out.set_number_value(*number);
      return;
    }
  }
  out.set_string_value(node.text);
}

}  // namespace nuncio::config
