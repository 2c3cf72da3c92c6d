// Compares api/ with xds_names.tsv: what the upstream API calls and numbers the things that api/ uses, and how it
// constrains them. The table is upstream's side and is never made from api/: a new field in api/ needs a new row.
//
// usage: xds_names_test xds_names.tsv descriptor_set.pb

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "api/linked.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/duration.pb.h"
#include "gtest/gtest.h"
#include "nuncio/annotations/v1/annotations.pb.h"
#include "validate/validate.pb.h"

namespace nuncio::api {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::DescriptorPool;
using ::google::protobuf::EnumDescriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::FileDescriptor;
using ::google::protobuf::FileDescriptorSet;
using ::google::protobuf::Message;
using ::google::protobuf::OneofDescriptor;
using ::google::protobuf::Reflection;
using ::google::protobuf::ServiceDescriptor;

const char* table_path = nullptr;
const char* descriptor_set_path = nullptr;

std::string ReadFile(const char* path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string Join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string joined;
  for (const std::string& part : parts) {
    if (!joined.empty()) joined += separator;
    joined += part;
  }
  return joined;
}

// ---- validation rules in the table's notation

std::string RenderDouble(double value) {
  std::ostringstream out;
  out << value;
  return out.str().find('.') == std::string::npos ? out.str() + ".0" : out.str();
}

std::string RenderDuration(const google::protobuf::Duration& duration) {
  std::string text = std::to_string(duration.seconds());
  if (duration.nanos() != 0) {
    std::string fraction = std::to_string(duration.nanos());
    fraction.insert(0, 9 - fraction.size(), '0');
    fraction.erase(fraction.find_last_not_of('0') + 1);
    text += "." + fraction;
  }
  return text + "s";
}

// One value of a rule; `index` is -1 unless the rule is a list.
std::string RenderValue(const Message& rules, const FieldDescriptor* field, int index) {
  const Reflection* reflection = rules.GetReflection();
  const bool listed = index >= 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetBool(rules, field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(listed ? reflection->GetRepeatedUInt32(rules, field, index)
                                   : reflection->GetUInt32(rules, field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(listed ? reflection->GetRepeatedUInt64(rules, field, index)
                                   : reflection->GetUInt64(rules, field));
    case FieldDescriptor::CPPTYPE_INT32:
      return std::to_string(listed ? reflection->GetRepeatedInt32(rules, field, index)
                                   : reflection->GetInt32(rules, field));
    case FieldDescriptor::CPPTYPE_INT64:
      return std::to_string(listed ? reflection->GetRepeatedInt64(rules, field, index)
                                   : reflection->GetInt64(rules, field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return RenderDouble(listed ? reflection->GetRepeatedDouble(rules, field, index)
                                 : reflection->GetDouble(rules, field));
    case FieldDescriptor::CPPTYPE_STRING:
      return listed ? reflection->GetRepeatedString(rules, field, index) : reflection->GetString(rules, field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection->GetEnum(rules, field)->name();
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (const auto* duration =
              dynamic_cast<const google::protobuf::Duration*>(&reflection->GetMessage(rules, field))) {
        return RenderDuration(*duration);
      }
      [[fallthrough]];
    default:
      return "?" + field->full_name();
  }
}

std::string RenderRules(const validate::FieldRules& rules);

void AddRules(const Message& rules, std::set<std::string>& out) {
  const Reflection* reflection = rules.GetReflection();
  std::vector<const FieldDescriptor*> set;
  reflection->ListFields(rules, &set);
  for (const FieldDescriptor* field : set) {
    if (field->message_type() == validate::FieldRules::descriptor()) {
      out.insert(field->name() + ".(" +
                 RenderRules(dynamic_cast<const validate::FieldRules&>(reflection->GetMessage(rules, field))) + ")");
    } else if (field->is_repeated()) {
      std::vector<std::string> values;
      for (int i = 0; i < reflection->FieldSize(rules, field); ++i) values.push_back(RenderValue(rules, field, i));
      out.insert(field->name() + ":[" + Join(values, ",") + "]");
    } else {
      const std::string value = RenderValue(rules, field, -1);
      out.insert(value == "true" ? field->name() : field->name() + ":" + value);
    }
  }
}

std::string RenderRules(const validate::FieldRules& rules) {
  std::set<std::string> out;
  const Reflection* reflection = rules.GetReflection();
  std::vector<const FieldDescriptor*> groups;
  reflection->ListFields(rules, &groups);
  for (const FieldDescriptor* group : groups) AddRules(reflection->GetMessage(rules, group), out);
  return Join({out.begin(), out.end()}, ";");
}

std::string FieldRules(const FieldDescriptor* field) {
  std::set<std::string> out;
  if (field->options().HasExtension(validate::rules)) {
    const validate::FieldRules& rules = field->options().GetExtension(validate::rules);
    std::vector<const FieldDescriptor*> groups;
    rules.GetReflection()->ListFields(rules, &groups);
    for (const FieldDescriptor* group : groups) AddRules(rules.GetReflection()->GetMessage(rules, group), out);
  }
  const OneofDescriptor* oneof = field->real_containing_oneof();
  if (oneof != nullptr && oneof->options().GetExtension(validate::required)) out.insert("oneof_required");
  return Join({out.begin(), out.end()}, ";");
}

// ---- api/ in the table's notation

std::string TypeName(const FieldDescriptor* field) {
  if (field->is_map()) {
    return "map<" + TypeName(field->message_type()->map_key()) + "," +
           TypeName(field->message_type()->map_value()) + ">";
  }
  if (field->message_type() != nullptr) return field->message_type()->full_name();
  if (field->enum_type() != nullptr) return field->enum_type()->full_name();
  return field->type_name();
}

std::string Label(const FieldDescriptor* field) {
  if (field->is_map()) return "map";
  if (field->is_repeated()) return "repeated";
  if (field->real_containing_oneof() != nullptr) return "oneof:" + field->real_containing_oneof()->name();
  return field->has_optional_keyword() ? "optional3" : "optional";
}

void AddRow(std::set<std::string>& rows, const std::vector<std::string>& columns) {
  rows.insert(Join({columns.begin(), columns.end()}, "\t"));
}

// Columns are joined by tabs, so an empty one in the middle must be kept: "-" stands for it.
std::string OrDash(const std::string& text) { return text.empty() ? "-" : text; }

void AddEnum(const EnumDescriptor* type, std::set<std::string>& rows) {
  for (int i = 0; i < type->value_count(); ++i) {
    AddRow(rows, {"enum", type->full_name(), type->value(i)->name(), std::to_string(type->value(i)->number())});
  }
}

void AddMessage(const Descriptor* message, std::set<std::string>& rows) {
  if (message->options().map_entry()) return;
  if (message->field_count() == 0) AddRow(rows, {"message", message->full_name()});
  for (int i = 0; i < message->field_count(); ++i) {
    const FieldDescriptor* field = message->field(i);
    AddRow(rows, {"field", message->full_name(), field->name(), std::to_string(field->number()), TypeName(field),
                  Label(field), OrDash(FieldRules(field))});
  }
  for (int i = 0; i < message->nested_type_count(); ++i) AddMessage(message->nested_type(i), rows);
  for (int i = 0; i < message->enum_type_count(); ++i) AddEnum(message->enum_type(i), rows);
}

void AddFile(const FileDescriptor* file, std::set<std::string>& rows) {
  for (int i = 0; i < file->message_type_count(); ++i) AddMessage(file->message_type(i), rows);
  for (int i = 0; i < file->enum_type_count(); ++i) AddEnum(file->enum_type(i), rows);
  for (int i = 0; i < file->service_count(); ++i) {
    const ServiceDescriptor* service = file->service(i);
    for (int j = 0; j < service->method_count(); ++j) {
      const auto* method = service->method(j);
      const std::string streaming = method->client_streaming() && method->server_streaming() ? "bidi"
                                    : method->client_streaming()                             ? "client"
                                    : method->server_streaming()                             ? "server"
                                                                                             : "unary";
      AddRow(rows, {"method", service->full_name(), method->name(), method->input_type()->full_name(),
                    method->output_type()->full_name(), streaming});
    }
  }
}

std::vector<std::string> FileNames() {
  FileDescriptorSet set;
  EXPECT_TRUE(set.ParseFromString(ReadFile(descriptor_set_path)));
  std::vector<std::string> names;
  for (const auto& file : set.file()) names.push_back(file.name());
  return names;
}

bool IsUpstreams(const FileDescriptor* file) {
  return file->package().rfind("envoy.", 0) == 0 || file->package().rfind("xds.", 0) == 0 ||
         file->package() == "google.rpc";
}

std::set<std::string> ApiRows() {
  LinkAllMessages();
  std::set<std::string> rows;
  for (const std::string& name : FileNames()) {
    const FileDescriptor* file = DescriptorPool::generated_pool()->FindFileByName(name);
    if (file != nullptr && IsUpstreams(file)) AddFile(file, rows);
  }
  return rows;
}

std::set<std::string> TableRows() {
  std::set<std::string> rows;
  std::istringstream table(ReadFile(table_path));
  std::string line;
  while (std::getline(table, line)) {
    if (!line.empty() && line[0] != '#') rows.insert(line);
  }
  return rows;
}

std::string Missing(const std::set<std::string>& from, const std::set<std::string>& in) {
  std::string missing;
  for (const std::string& row : from) {
    if (in.count(row) == 0) missing += "  " + row + "\n";
  }
  return missing;
}

TEST(XdsNamesTest, EveryFileIsLinked) {
  LinkAllMessages();
  const std::vector<std::string> names = FileNames();
  EXPECT_GT(names.size(), 50u);
  for (const std::string& name : names) {
    EXPECT_NE(DescriptorPool::generated_pool()->FindFileByName(name), nullptr) << name << ": missing in api/linked.cc";
  }
}

TEST(XdsNamesTest, ApiHasNothingThatTheTableHasNot) {
  EXPECT_EQ(Missing(ApiRows(), TableRows()), "") << "in api/, but not, or otherwise, in " << table_path;
}

TEST(XdsNamesTest, TableHasNothingThatApiHasNot) {
  EXPECT_EQ(Missing(TableRows(), ApiRows()), "") << "in " << table_path << ", but not, or otherwise, in api/";
}

// A field that a proxy refuses is marked, and only such fields are.
TEST(XdsNamesTest, FieldsForTheControlPlaneOnlyAreMarked) {
  LinkAllMessages();
  std::vector<std::string> marked;
  for (const std::string& name : FileNames()) {
    const FileDescriptor* file = DescriptorPool::generated_pool()->FindFileByName(name);
    ASSERT_NE(file, nullptr) << name;
    for (int i = 0; i < file->message_type_count(); ++i) {
      const Descriptor* message = file->message_type(i);
      for (int j = 0; j < message->field_count(); ++j) {
        if (message->field(j)->options().GetExtension(annotations::v1::control_plane_only)) {
          marked.push_back(message->field(j)->full_name());
        }
      }
    }
  }
  EXPECT_THAT(marked, testing::UnorderedElementsAre("envoy.config.listener.v3.ApiListener.api_listener",
                                                    "envoy.config.listener.v3.Listener.api_listener"));
}

}  // namespace
}  // namespace nuncio::api

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 3) return 2;
  nuncio::api::table_path = argv[1];
  nuncio::api::descriptor_set_path = argv[2];
  return RUN_ALL_TESTS();
}
