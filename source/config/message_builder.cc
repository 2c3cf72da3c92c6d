#include "source/config/message_builder.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "nuncio/annotations/v1/annotations.pb.h"
#include "source/base/strings.h"
#include "source/config/message_types.h"
#include "source/config/scalar_text.h"
#include "udpa/annotations/sensitive.pb.h"

namespace nuncio::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Reflection;

// What aliases and merge keys may repeat beyond the size of the document itself: so many nodes, or pieces of text.
constexpr size_t kMaxRepeated = 1'000'000;
constexpr size_t kTextPiece = 64;
constexpr std::string_view kTypeKey = "@type";

bool IsScalar(const TextNode& node) { return node.kind == TextNode::Kind::kScalar; }
bool IsMapping(const TextNode& node) { return node.kind == TextNode::Kind::kMapping; }
bool IsNull(const TextNode& node) { return node.kind == TextNode::Kind::kNull; }

std::string Describe(const TextNode& node) {
  switch (node.kind) {
    case TextNode::Kind::kNull:
      return "null";
    case TextNode::Kind::kScalar:
      return Quote(node.text);
    case TextNode::Kind::kSequence:
      return "a list";
    case TextNode::Kind::kMapping:
      return "an object";
  }
  return {};
}

// Sees whether keys come twice: by comparison while they are few, by hash beyond.
class SeenKeys {
 public:
  bool Insert(std::string_view key) {
    if (few_.size() < kFew) {
      for (std::string_view seen : few_) {
        if (seen == key) return false;
      }
      few_.push_back(key);
      return true;
    }
    if (many_.empty()) many_.insert(few_.begin(), few_.end());
    return many_.insert(key).second;
  }

 private:
  static constexpr size_t kFew = 16;
  std::vector<std::string_view> few_;
  std::unordered_set<std::string_view> many_;
};

// "clusterName" -> "cluster_name".
std::string ToSnakeCase(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (c >= 'A' && c <= 'Z') out += '_';
    out += ToLower(c);
  }
  return out;
}

// The nearest name if it is near enough to be a slip of the pen. `http3_options` is none of `http2_options`.
template <typename NameAt>
std::string DidYouMean(std::string_view written, int count, NameAt name_at) {
  if (written.size() > 64) return {};
  const std::string wrong = ToSnakeCase(written);
  const auto digits = [](std::string_view name) {
    std::string out;
    std::copy_if(name.begin(), name.end(), std::back_inserter(out), [](char c) { return c >= '0' && c <= '9'; });
    return out;
  };
  size_t best = wrong.size() < 5 ? 2 : wrong.size() < 12 ? 3 : 4;
  std::string nearest;
  for (int i = 0; i < count; ++i) {
    const std::string& name = name_at(i);
    const size_t distance = EditDistance(wrong, name, best - 1);
    if (distance >= best || digits(wrong) != digits(name)) continue;
    best = distance;
    nearest = name;
    if (best == 0) break;
  }
  return nearest.empty() ? nearest : StrCat("; did you mean ", Quote(nearest), "?");
}

std::string RangeName(FieldDescriptor::CppType type) {
  switch (type) {
    case FieldDescriptor::CPPTYPE_INT32:
      return "a whole number from -2147483648 to 2147483647";
    case FieldDescriptor::CPPTYPE_UINT32:
      return "a whole number from 0 to 4294967295";
    case FieldDescriptor::CPPTYPE_INT64:
      return "a whole number of 64 bits";
    case FieldDescriptor::CPPTYPE_UINT64:
      return "a whole number from 0 to 18446744073709551615";
    default:
      return "a number";
  }
}

bool IsControlPlaneOnly(const FieldDescriptor& field) {
  return field.options().GetExtension(annotations::v1::control_plane_only);
}

bool IsSensitive(const FieldDescriptor& field) {
  return field.options().GetExtension(udpa::annotations::sensitive);
}

}  // namespace

MessageBuilder::MessageBuilder(const TextDocument& document, Faults& faults)
    : document_(document),
      faults_(faults),
      budget_(document.node_count() + document.text_size() / kTextPiece + kMaxRepeated) {}

void MessageBuilder::Build(Message& message) { ReadMessage(*document_.root(), message, 0); }

bool MessageBuilder::Enter(const TextNode& node, size_t depth) {
  if (exhausted_) return false;
  if (depth > TextDocument::kMaxDepth) {
    exhausted_ = true;
    AddFault(node, StrCat("is nested deeper than ", TextDocument::kMaxDepth, " levels"));
    return false;
  }
  return Charge(node);
}

bool MessageBuilder::Charge(const TextNode& node) {
  if (exhausted_) return false;
  const size_t cost = 1 + node.text.size() / kTextPiece;
  if (cost > budget_) {
    exhausted_ = true;
    AddFault(node, "YAML aliases repeat too much");
    return false;
  }
  budget_ -= cost;
  return true;
}

void MessageBuilder::AddFault(const TextNode& node, std::string_view reason) {
  faults_.AddAt(node.line, node.column, reason);
}

void MessageBuilder::AddWrongValue(const TextNode& node, std::string_view expected) {
  const std::string is = sensitive_ && IsScalar(node) ? "a single value" : Describe(node);
  AddFault(node, StrCat("must be ", expected, " (is ", is, ")"));
}

std::vector<MessageBuilder::Entry> MessageBuilder::Entries(const TextNode& mapping, size_t depth) {
  std::vector<Entry> entries;
  std::vector<const TextNode*> merges;
  entries.reserve(mapping.children.size() / 2);
  for (size_t i = 0; i + 1 < mapping.children.size(); i += 2) {
    const TextNode::Child& key = mapping.children[i];
    const TextNode::Child& value = mapping.children[i + 1];
    if (!Charge(*key.node)) return {};
    if (key.ignored || value.ignored) continue;
    if (!IsScalar(*key.node)) {
      AddWrongValue(*key.node, "a name");
    } else if (key.node->plain && key.node->text == "<<") {
      merges.push_back(value.node);
    } else {
      entries.push_back({key.node, value.node});
    }
  }
  if (merges.empty()) return entries;
  std::unordered_set<std::string_view> present;
  for (const Entry& entry : entries) present.insert(entry.key->text);
  for (const TextNode* merged : merges) {
    if (merged->kind != TextNode::Kind::kSequence) {
      MergeInto(entries, present, *merged, depth + 1);
      continue;
    }
    for (const TextNode::Child& item : merged->children) {
      if (!item.ignored) MergeInto(entries, present, *item.node, depth + 1);
    }
  }
  return entries;
}

void MessageBuilder::MergeInto(std::vector<Entry>& entries, std::unordered_set<std::string_view>& present,
                               const TextNode& merged, size_t depth) {
  if (!Enter(merged, depth)) return;
  if (!IsMapping(merged)) {
    AddWrongValue(merged, "an object, or a list of objects, to merge");
    return;
  }
  for (const Entry& entry : Entries(merged, depth)) {
    // A key of the object itself goes before one that is merged in, an earlier merge before a later one.
    if (present.insert(entry.key->text).second) entries.push_back(entry);
  }
}

void MessageBuilder::ReadMessage(const TextNode& node, Message& message, size_t depth) {
  if (!Enter(node, depth)) return;
  if (ReadWellKnown(node, message, depth)) return;
  if (!IsMapping(node)) {
    AddWrongValue(node, StrCat("an object, ", message.GetDescriptor()->full_name()));
    return;
  }
  ReadFields(Entries(node, depth), message, depth, false);
}

bool MessageBuilder::ReadWellKnown(const TextNode& node, Message& message, size_t depth) {
  switch (message.GetDescriptor()->well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
      return false;
    case Descriptor::WELLKNOWNTYPE_ANY:
      ReadAny(node, message, depth);
      return true;
    case Descriptor::WELLKNOWNTYPE_DURATION:
      ReadDuration(node, message, depth);
      return true;
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
    case Descriptor::WELLKNOWNTYPE_FIELDMASK:
      ReadTextual(node, message);
      return true;
    case Descriptor::WELLKNOWNTYPE_STRUCT:
      ReadStruct(node, static_cast<google::protobuf::Struct&>(message), depth);
      return true;
    case Descriptor::WELLKNOWNTYPE_LISTVALUE:
      ReadList(node, static_cast<google::protobuf::ListValue&>(message), depth);
      return true;
    case Descriptor::WELLKNOWNTYPE_VALUE:
      ReadValue(node, static_cast<google::protobuf::Value&>(message), depth);
      return true;
    default:
      ReadWrapper(node, message, depth);
      return true;
  }
}

void MessageBuilder::ReadFields(const std::vector<Entry>& entries, Message& message, size_t depth, bool skip_type) {
  const Descriptor& descriptor = *message.GetDescriptor();
  // Fields seen, by index: a field may come under two names. A null counts, as it does for oneofs in no text.
  std::vector<bool> seen(static_cast<size_t>(descriptor.field_count()));
  for (const auto& [key, value] : entries) {
    if (exhausted_) return;
    if (skip_type && key->text == kTypeKey) continue;
    const Field* field = FindField(*key, descriptor);
    if (field == nullptr) {
      AddUnknownField(*key, descriptor);
      continue;
    }
    Faults::Scope scope(faults_, field->name());
    if (seen[static_cast<size_t>(field->index())]) {
      AddFault(*key, "is given twice");
      continue;
    }
    seen[static_cast<size_t>(field->index())] = true;
    if (IsNull(*value) && field->cpp_type() != Field::CPPTYPE_MESSAGE) continue;
    if (IsNull(*value) &&
        (field->is_repeated() || field->message_type()->well_known_type() != Descriptor::WELLKNOWNTYPE_VALUE)) {
      continue;
    }
    const OneofDescriptor* oneof = field->real_containing_oneof();
    if (oneof != nullptr) {
      const Field* other = message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
      if (other != nullptr) {
        AddFault(*key, StrCat("cannot be set beside ", Quote(other->name()), ": one of the two only"));
        continue;
      }
    }
    const bool outer = std::exchange(sensitive_, sensitive_ || IsSensitive(*field));
    ReadField(*value, *field, message, depth + 1);
    sensitive_ = outer;
  }
}

const MessageBuilder::Field* MessageBuilder::FindField(const TextNode& key, const Descriptor& descriptor) {
  const Field* field = descriptor.FindFieldByName(key.text);
  if (field == nullptr) field = descriptor.FindFieldByCamelcaseName(key.text);
  if (field != nullptr && !faults_.policy().control_plane && IsControlPlaneOnly(*field)) return nullptr;
  return field;
}

void MessageBuilder::AddUnknownField(const TextNode& key, const Descriptor& descriptor) {
  Faults::Scope scope(faults_, key.text);
  const Field* known = descriptor.FindFieldByName(key.text);
  if (known == nullptr) known = descriptor.FindFieldByCamelcaseName(key.text);
  const std::string_view hint = known != nullptr ? ", served by the control plane only" : "";
  std::string suggestion;
  if (known == nullptr && faults_.count() < Faults::kMaxKept) {
    suggestion = DidYouMean(key.text, descriptor.field_count(),
                            [&](int i) -> const std::string& { return descriptor.field(i)->name(); });
  }
  faults_.AddUnknownField(StrCat("unknown field in ", descriptor.full_name(), hint, suggestion), key.line, key.column);
}

void MessageBuilder::ReadField(const TextNode& value, const Field& field, Message& message, size_t depth) {
  if (field.is_map()) {
    ReadMap(value, field, message, depth);
  } else if (field.is_repeated()) {
    ReadRepeated(value, field, message, depth);
  } else if (field.cpp_type() == Field::CPPTYPE_MESSAGE) {
    ReadMessage(value, *message.GetReflection()->MutableMessage(&message, &field), depth);
  } else if (Enter(value, depth)) {
    ReadScalar(value, field, message);
  }
}

void MessageBuilder::ReadRepeated(const TextNode& value, const Field& field, Message& message, size_t depth) {
  const Reflection& reflection = *message.GetReflection();
  auto read_item = [&](const TextNode& item, size_t index) {
    const bool takes_null = field.cpp_type() == Field::CPPTYPE_MESSAGE &&
                            field.message_type()->well_known_type() == Descriptor::WELLKNOWNTYPE_VALUE;
    Faults::Scope scope(faults_, "", index);
    if (IsNull(item) && !takes_null) {
      AddFault(item, "must not be null");
    } else if (field.cpp_type() == Field::CPPTYPE_MESSAGE) {
      ReadMessage(item, *reflection.AddMessage(&message, &field), depth + 1);
    } else if (Enter(item, depth + 1)) {
      ReadScalar(item, field, message);
    }
  };
  if (value.kind != TextNode::Kind::kSequence) {
    read_item(value, 0);
    return;
  }
  if (!Enter(value, depth)) return;
  size_t index = 0;
  for (const TextNode::Child& item : value.children) {
    if (exhausted_) return;
    if (!item.ignored) read_item(*item.node, index++);
  }
}

void MessageBuilder::ReadMap(const TextNode& value, const Field& field, Message& message, size_t depth) {
  if (!Enter(value, depth)) return;
  if (!IsMapping(value)) {
    AddWrongValue(value, "an object of names and values");
    return;
  }
  const Field& key_field = *field.message_type()->map_key();
  const Field& value_field = *field.message_type()->map_value();
  SeenKeys seen;
  for (const auto& [key, item] : Entries(value, depth)) {
    if (exhausted_) return;
    Faults::Scope scope(faults_, "", std::string_view(key->text));
    if (!seen.Insert(key->text)) {
      AddFault(*key, "is given twice");
      continue;
    }
    if (IsNull(*item) && (value_field.cpp_type() != Field::CPPTYPE_MESSAGE ||
                          value_field.message_type()->well_known_type() != Descriptor::WELLKNOWNTYPE_VALUE)) {
      AddFault(*item, "must not be null");
      continue;
    }
    Message& entry = *message.GetReflection()->AddMessage(&message, &field);
    ReadScalar(*key, key_field, entry);
    ReadField(*item, value_field, entry, depth + 1);
  }
}

bool MessageBuilder::ReadScalar(const TextNode& node, const Field& field, Message& message) {
  const Reflection& reflection = *message.GetReflection();
  const Field* f = &field;
  const bool add = field.is_repeated();
  auto wrong = [&](std::string_view expected) {
    AddWrongValue(node, expected);
    return false;
  };
  if (!IsScalar(node)) return wrong(f->cpp_type() == Field::CPPTYPE_STRING ? "text" : "a single value");
  switch (field.cpp_type()) {
    case Field::CPPTYPE_INT32: {
      using Limits = std::numeric_limits<int32_t>;
      const auto v = ParseSigned(node.text, node.plain, Limits::min(), Limits::max());
      if (!v) return wrong(RangeName(field.cpp_type()));
      const int32_t number = static_cast<int32_t>(*v);
      add ? reflection.AddInt32(&message, f, number) : reflection.SetInt32(&message, f, number);
      return true;
    }
    case Field::CPPTYPE_INT64: {
      using Limits = std::numeric_limits<int64_t>;
      const auto v = ParseSigned(node.text, node.plain, Limits::min(), Limits::max());
      if (!v) return wrong(RangeName(field.cpp_type()));
      add ? reflection.AddInt64(&message, f, *v) : reflection.SetInt64(&message, f, *v);
      return true;
    }
    case Field::CPPTYPE_UINT32: {
      const auto v = ParseUnsigned(node.text, node.plain, std::numeric_limits<uint32_t>::max());
      if (!v) return wrong(RangeName(field.cpp_type()));
      const uint32_t number = static_cast<uint32_t>(*v);
      add ? reflection.AddUInt32(&message, f, number) : reflection.SetUInt32(&message, f, number);
      return true;
    }
    case Field::CPPTYPE_UINT64: {
      const auto v = ParseUnsigned(node.text, node.plain, std::numeric_limits<uint64_t>::max());
      if (!v) return wrong(RangeName(field.cpp_type()));
      add ? reflection.AddUInt64(&message, f, *v) : reflection.SetUInt64(&message, f, *v);
      return true;
    }
    case Field::CPPTYPE_DOUBLE: {
      const auto v = ParseDouble(node.text);
      if (!v) return wrong(RangeName(field.cpp_type()));
      add ? reflection.AddDouble(&message, f, *v) : reflection.SetDouble(&message, f, *v);
      return true;
    }
    case Field::CPPTYPE_FLOAT: {
      const auto v = ParseDouble(node.text);
      if (!v || (std::isfinite(*v) && std::fabs(*v) > FLT_MAX)) return wrong("a number of single precision");
      const float number = static_cast<float>(*v);
      add ? reflection.AddFloat(&message, f, number) : reflection.SetFloat(&message, f, number);
      return true;
    }
    case Field::CPPTYPE_BOOL: {
      const auto v = ParseBool(node.text);
      if (!v) return wrong("true or false");
      add ? reflection.AddBool(&message, f, *v) : reflection.SetBool(&message, f, *v);
      return true;
    }
    case Field::CPPTYPE_ENUM:
      return ReadEnum(node, field, message);
    case Field::CPPTYPE_STRING: {
      std::string text = node.text;
      if (field.type() == Field::TYPE_BYTES) {
        std::optional<std::string> bytes = ParseBase64(node.text);
        if (!bytes) return wrong("bytes in base64");
        text = *std::move(bytes);
      }
      add ? reflection.AddString(&message, f, std::move(text)) : reflection.SetString(&message, f, std::move(text));
      return true;
    }
    case Field::CPPTYPE_MESSAGE:
      break;
  }
  return false;
}

bool MessageBuilder::ReadEnum(const TextNode& node, const Field& field, Message& message) {
  const EnumDescriptor& type = *field.enum_type();
  const EnumValueDescriptor* value = type.FindValueByName(node.text);
  for (int i = 0; value == nullptr && i < type.value_count(); ++i) {
    if (EqualsIgnoreCase(type.value(i)->name(), node.text)) value = type.value(i);
  }
  if (value == nullptr) {
    using Limits = std::numeric_limits<int32_t>;
    const auto number = ParseSigned(node.text, node.plain, Limits::min(), Limits::max());
    if (number) value = type.FindValueByNumber(static_cast<int>(*number));
  }
  if (value == nullptr) {
    constexpr int kMaxNamed = 12;
    std::string names;
    int named = 0;
    for (int i = 0; i < type.value_count() && named <= kMaxNamed; ++i) {
      const std::string& name = type.value(i)->name();
      // How the API names what is no value any more.
      if (name.find("DO_NOT_USE") != std::string::npos) continue;
      StrAppend(names, named == 0 ? "" : ", ", named == kMaxNamed ? std::string("...") : name);
      ++named;
    }
    AddWrongValue(node, StrCat("one of ", names));
    return false;
  }
  const Reflection& reflection = *message.GetReflection();
  field.is_repeated() ? reflection.AddEnum(&message, &field, value) : reflection.SetEnum(&message, &field, value);
  return true;
}

}  // namespace nuncio::config
