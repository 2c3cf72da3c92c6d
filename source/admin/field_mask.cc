#include "source/admin/field_mask.h"

#include <memory>
#include <vector>

#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.h"
#include "source/base/strings.h"
#include "source/config/message_types.h"

namespace nuncio::admin {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr int kMaxDepth = 32;

void TrimAny(const FieldMask& mask, google::protobuf::Any& any) {
  // A type that this program does not have stays as it is.
  std::unique_ptr<Message> inner = config::UnpackKnown(any);
  if (inner == nullptr) return;
  mask.Trim(*inner);
  any.set_value(inner->SerializeAsString());
}

}  // namespace

absl::StatusOr<FieldMask> FieldMask::Parse(std::string_view text) {
  FieldMask out;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    std::string_view path = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    FieldMask* at = &out;
    int depth = 0;
    bool whole = false;
    while (!whole) {
      const size_t dot = path.find('.');
      const std::string name(path.substr(0, dot));
      if (name.empty()) return InvalidArgument("mask: a path has an empty field name");
      if (++depth > kMaxDepth) return InvalidArgument(StrCat("mask: a path is deeper than ", kMaxDepth, " fields"));
      // A shorter path that came before keeps all below it.
      const auto [found, added] = at->fields_.try_emplace(name);
      whole = dot == std::string_view::npos;
      if (whole) {
        found->second.fields_.clear();
      } else if (!added && found->second.fields_.empty()) {
        whole = true;
      } else {
        at = &found->second;
        path.remove_prefix(dot + 1);
      }
    }
  }
  if (out.empty()) return InvalidArgument("mask: names no field");
  return out;
}

FieldMask FieldMask::For(const google::protobuf::Descriptor& type) const {
  FieldMask out;
  for (const auto& [name, below] : fields_) {
    if (type.FindFieldByName(name) != nullptr) out.fields_.emplace(name, below);
  }
  return out;
}

FieldMask FieldMask::Below(const std::string& name) const {
  const auto found = fields_.find(name);
  return found == fields_.end() ? FieldMask() : found->second;
}

void FieldMask::Trim(Message& message) const {
  if (fields_.empty()) return;
  if (message.GetDescriptor()->full_name() == "google.protobuf.Any") {
    TrimAny(*this, static_cast<google::protobuf::Any&>(message));
    return;
  }
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> present;
  reflection.ListFields(message, &present);
  for (const FieldDescriptor* field : present) {
    const auto kept = fields_.find(field->name());
    if (kept == fields_.end()) {
      reflection.ClearField(&message, field);
      continue;
    }
    // What a path into a map or a scalar names is the field as a whole.
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field->is_map()) continue;
    if (!field->is_repeated()) {
      kept->second.Trim(*reflection.MutableMessage(&message, field));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      kept->second.Trim(*reflection.MutableRepeatedMessage(&message, field, i));
    }
  }
}

}  // namespace nuncio::admin
