#include "source/config/message_dump.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/util/field_mask_util.h"
#include "google/protobuf/util/time_util.h"
#include "source/base/strings.h"
#include "source/config/message_types.h"
#include "source/config/scalar_text.h"
#include "source/config/text_writer.h"

namespace nuncio::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Messages within Any can be nested deeper than the wire format's own limit; below this they stay bytes.
constexpr int kMaxDepth = 100;

class Dumper {
 public:
  Dumper(TextWriter& writer, DumpOptions options) : writer_(writer), options_(options) {}

  void Write(const Message& message) {
    ++depth_;
    if (!WriteWellKnown(message)) {
      writer_.BeginObject();
      WriteFields(message);
      writer_.EndObject();
    }
    --depth_;
  }

 private:
  bool WriteWellKnown(const Message& message);
  void WriteFields(const Message& message);
  void WriteField(const Message& message, const FieldDescriptor& field);
  void WriteMap(const Message& message, const FieldDescriptor& field);
  // `index` < 0: a singular field.
  void WriteScalar(const Message& message, const FieldDescriptor& field, int index);
  void WriteAny(const google::protobuf::Any& any);
  void WriteValue(const google::protobuf::Value& value);
  void WriteStruct(const google::protobuf::Struct& value);
  void WriteList(const google::protobuf::ListValue& value);
  void WriteDouble(double value);
  void WriteFloat(float value);

  TextWriter& writer_;
  const DumpOptions options_;
  int depth_ = 0;
};

bool Dumper::WriteWellKnown(const Message& message) {
  switch (message.GetDescriptor()->well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
      return false;
    case Descriptor::WELLKNOWNTYPE_ANY:
      WriteAny(static_cast<const google::protobuf::Any&>(message));
      return true;
    case Descriptor::WELLKNOWNTYPE_DURATION:
      writer_.String(
          google::protobuf::util::TimeUtil::ToString(static_cast<const google::protobuf::Duration&>(message)));
      return true;
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      writer_.String(
          google::protobuf::util::TimeUtil::ToString(static_cast<const google::protobuf::Timestamp&>(message)));
      return true;
    case Descriptor::WELLKNOWNTYPE_FIELDMASK: {
      std::string text;
      google::protobuf::util::FieldMaskUtil::ToJsonString(static_cast<const google::protobuf::FieldMask&>(message),
                                                          &text);
      writer_.String(text);
      return true;
    }
    case Descriptor::WELLKNOWNTYPE_STRUCT:
      WriteStruct(static_cast<const google::protobuf::Struct&>(message));
      return true;
    case Descriptor::WELLKNOWNTYPE_LISTVALUE:
      WriteList(static_cast<const google::protobuf::ListValue&>(message));
      return true;
    case Descriptor::WELLKNOWNTYPE_VALUE:
      WriteValue(static_cast<const google::protobuf::Value&>(message));
      return true;
    default:
      // A wrapper.
      WriteScalar(message, *message.GetDescriptor()->field(0), -1);
      return true;
  }
}

void Dumper::WriteFields(const Message& message) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  if (options_.print_defaults) {
    const Descriptor& descriptor = *message.GetDescriptor();
    for (int i = 0; i < descriptor.field_count(); ++i) {
      const FieldDescriptor* field = descriptor.field(i);
      const bool set =
          field->is_repeated() ? reflection.FieldSize(message, field) > 0 : reflection.HasField(message, field);
      if (!set && !field->has_presence()) fields.push_back(field);
    }
    std::sort(fields.begin(), fields.end(), [](const auto* a, const auto* b) { return a->number() < b->number(); });
  }
  for (const FieldDescriptor* field : fields) {
    writer_.Key(field->name());
    WriteField(message, *field);
  }
}

void Dumper::WriteField(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  const bool holds_messages = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
  if (field.is_map()) {
    WriteMap(message, field);
  } else if (field.is_repeated()) {
    writer_.BeginList();
    const int size = reflection.FieldSize(message, &field);
    for (int i = 0; i < size; ++i) {
      if (holds_messages) {
        Write(reflection.GetRepeatedMessage(message, &field, i));
      } else {
        WriteScalar(message, field, i);
      }
    }
    writer_.EndList();
  } else if (holds_messages) {
    Write(reflection.GetMessage(message, &field));
  } else {
    WriteScalar(message, field, -1);
  }
}

std::string MapKeyText(const Message& entry, const FieldDescriptor& key) {
  const Reflection& reflection = *entry.GetReflection();
  switch (key.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.GetString(entry, &key);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(entry, &key) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_INT32:
      return StrCat(reflection.GetInt32(entry, &key));
    case FieldDescriptor::CPPTYPE_INT64:
      return StrCat(reflection.GetInt64(entry, &key));
    case FieldDescriptor::CPPTYPE_UINT32:
      return StrCat(reflection.GetUInt32(entry, &key));
    case FieldDescriptor::CPPTYPE_UINT64:
      return StrCat(reflection.GetUInt64(entry, &key));
    default:
      return {};
  }
}

void Dumper::WriteMap(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<std::pair<std::string, const Message*>> entries;
  const int size = reflection.FieldSize(message, &field);
  for (int i = 0; i < size; ++i) {
    const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    entries.emplace_back(MapKeyText(entry, *field.message_type()->map_key()), &entry);
  }
  std::sort(entries.begin(), entries.end());
  writer_.BeginObject();
  for (const auto& [key, entry] : entries) {
    writer_.Key(key);
    WriteField(*entry, *field.message_type()->map_value());
  }
  writer_.EndObject();
}

void Dumper::WriteScalar(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& r = *message.GetReflection();
  const FieldDescriptor* f = &field;
  const bool one = index < 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      writer_.Literal(StrCat(one ? r.GetInt32(message, f) : r.GetRepeatedInt32(message, f, index)));
      return;
    case FieldDescriptor::CPPTYPE_UINT32:
      writer_.Literal(StrCat(one ? r.GetUInt32(message, f) : r.GetRepeatedUInt32(message, f, index)));
      return;
    case FieldDescriptor::CPPTYPE_INT64:
      writer_.LongNumber(StrCat(one ? r.GetInt64(message, f) : r.GetRepeatedInt64(message, f, index)));
      return;
    case FieldDescriptor::CPPTYPE_UINT64:
      writer_.LongNumber(StrCat(one ? r.GetUInt64(message, f) : r.GetRepeatedUInt64(message, f, index)));
      return;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      WriteDouble(one ? r.GetDouble(message, f) : r.GetRepeatedDouble(message, f, index));
      return;
    case FieldDescriptor::CPPTYPE_FLOAT:
      WriteFloat(one ? r.GetFloat(message, f) : r.GetRepeatedFloat(message, f, index));
      return;
    case FieldDescriptor::CPPTYPE_BOOL:
      writer_.Literal((one ? r.GetBool(message, f) : r.GetRepeatedBool(message, f, index)) ? "true" : "false");
      return;
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int number = one ? r.GetEnumValue(message, f) : r.GetRepeatedEnumValue(message, f, index);
      const auto* value = field.enum_type()->FindValueByNumber(number);
      if (value == nullptr) {
        writer_.Literal(StrCat(number));
      } else {
        writer_.String(value->name());
      }
      return;
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      const std::string& text =
          one ? r.GetStringReference(message, f, &scratch) : r.GetRepeatedStringReference(message, f, index, &scratch);
      writer_.String(field.type() == FieldDescriptor::TYPE_BYTES ? ToBase64(text) : text);
      return;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return;
  }
}

void Dumper::WriteAny(const google::protobuf::Any& any) {
  writer_.BeginObject();
  if (!any.type_url().empty() || !any.value().empty()) {
    writer_.Key("@type");
    writer_.String(any.type_url());
    const std::unique_ptr<Message> message = depth_ < kMaxDepth ? UnpackKnown(any) : nullptr;
    if (message == nullptr) {
      writer_.Key("value");
      writer_.String(ToBase64(any.value()));
    } else if (message->GetDescriptor()->well_known_type() != Descriptor::WELLKNOWNTYPE_UNSPECIFIED) {
      writer_.Key("value");
      Write(*message);
    } else {
      ++depth_;
      WriteFields(*message);
      --depth_;
    }
  }
  writer_.EndObject();
}

void Dumper::WriteValue(const google::protobuf::Value& value) {
  switch (value.kind_case()) {
    case google::protobuf::Value::kBoolValue:
      writer_.Literal(value.bool_value() ? "true" : "false");
      return;
    case google::protobuf::Value::kNumberValue:
      WriteDouble(value.number_value());
      return;
    case google::protobuf::Value::kStringValue:
      writer_.String(value.string_value());
      return;
    case google::protobuf::Value::kStructValue:
      WriteStruct(value.struct_value());
      return;
    case google::protobuf::Value::kListValue:
      WriteList(value.list_value());
      return;
    case google::protobuf::Value::kNullValue:
    case google::protobuf::Value::KIND_NOT_SET:
      writer_.Literal("null");
      return;
  }
}

void Dumper::WriteStruct(const google::protobuf::Struct& value) {
  std::vector<std::pair<std::string_view, const google::protobuf::Value*>> entries;
  for (const auto& [key, item] : value.fields()) entries.emplace_back(key, &item);
  std::sort(entries.begin(), entries.end());
  writer_.BeginObject();
  for (const auto& [key, item] : entries) {
    writer_.Key(key);
    WriteValue(*item);
  }
  writer_.EndObject();
}

void Dumper::WriteList(const google::protobuf::ListValue& value) {
  writer_.BeginList();
  for (const google::protobuf::Value& item : value.values()) WriteValue(item);
  writer_.EndList();
}

template <typename T>
void WriteFloating(TextWriter& writer, T value) {
  if (std::isnan(value)) {
    writer.String("NaN");
  } else if (std::isinf(value)) {
    writer.String(value < 0 ? "-Infinity" : "Infinity");
  } else {
    writer.Literal(StrCat(value));
  }
}

void Dumper::WriteDouble(double value) { WriteFloating(writer_, value); }
void Dumper::WriteFloat(float value) { WriteFloating(writer_, value); }

}  // namespace

std::string MessageToJson(const Message& message, DumpOptions options) {
  std::string out;
  JsonWriter writer(out, options.pretty);
  Dumper(writer, options).Write(message);
  return out;
}

std::string MessageToYaml(const Message& message, DumpOptions options) {
  std::string out;
  YamlWriter writer(out);
  Dumper(writer, options).Write(message);
  return out;
}

}  // namespace nuncio::config
