#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "re2/re2.h"
#include "source/admin/config_sections.h"
#include "source/admin/endpoints.h"
#include "source/admin/field_mask.h"
#include "source/admin/json_text.h"
#include "source/admin/resource_name.h"
#include "source/base/strings.h"
#include "source/config/redactor.h"

namespace nuncio::admin {
namespace {

constexpr size_t kConfigIndent = 3;
constexpr size_t kElementIndent = 4;

void AppendType(std::string& out, const google::protobuf::Descriptor& type, size_t indent) {
  out.append(indent, ' ');
  StrAppend(out, "\"@type\": \"type.googleapis.com/", type.full_name(), "\"");
}

void AppendTyped(std::string& out, const google::protobuf::Message& message, size_t indent) {
  AppendType(out, *message.GetDescriptor(), indent);
  const size_t before = out.size();
  out += ",\n";
  const size_t members = out.size();
  AppendMembers(out, message, indent);
  if (out.size() == members) out.resize(before);
}

// All sections, one resource after the other.
class WholeDump final : public BodySource {
 public:
  WholeDump(std::vector<ConfigSection> sections, FieldMask mask)
      : sections_(std::move(sections)), mask_(std::move(mask)) {}

  bool Next(std::string& out, size_t max_bytes) override {
    const size_t end = out.size() + max_bytes;
    if (!started_) {
      started_ = true;
      out += "{\n \"configs\": [\n";
    }
    while (out.size() < end) {
      if (section_ == sections_.size()) {
        out += "\n ]\n}\n";
        return false;
      }
      Step(out);
    }
    return true;
  }

 private:
  // Its first line, its next resource, or its end.
  void Step(std::string& out) {
    ConfigSection& section = sections_[section_];
    if (!in_section_) {
      in_section_ = true;
      section_mask_ = mask_.For(*section.head->GetDescriptor());
      if (section_mask_.empty() != mask_.empty()) return NextSection();
      section_mask_.Trim(*section.head);
      config::Redact(*section.head);
      out += any_section_ ? ",\n  {\n" : "  {\n";
      any_section_ = true;
      AppendTyped(out, *section.head, kConfigIndent);
      return;
    }
    if (list_ == section.lists.size()) {
      out += "\n  }";
      return NextSection();
    }
    ConfigList& list = section.lists[list_];
    const bool wanted = section_mask_.empty() || section_mask_.Has(list.field);
    std::unique_ptr<google::protobuf::Message> element = wanted ? list.next() : nullptr;
    if (element == nullptr) {
      if (any_element_) out += "\n   ]";
      any_element_ = false;
      ++list_;
      return;
    }
    section_mask_.Below(list.field).Trim(*element);
    config::Redact(*element);
    if (any_element_) {
      out += ",\n    ";
    } else {
      StrAppend(out, ",\n   \"", list.field, "\": [\n    ");
    }
    any_element_ = true;
    AppendObject(out, *element, kElementIndent);
  }
  void NextSection() {
    ++section_;
    list_ = 0;
    in_section_ = false;
  }

  std::vector<ConfigSection> sections_;
  const FieldMask mask_;
  FieldMask section_mask_;
  size_t section_ = 0;
  size_t list_ = 0;
  bool started_ = false;
  bool in_section_ = false;
  bool any_section_ = false;
  bool any_element_ = false;
};

// The elements of one list, each as a configuration of its own.
class ListDump final : public BodySource {
 public:
  ListDump(ConfigList list, FieldMask mask) : list_(std::move(list)), mask_(std::move(mask)) {}

  bool Next(std::string& out, size_t max_bytes) override {
    const size_t end = out.size() + max_bytes;
    while (out.size() < end) {
      std::unique_ptr<google::protobuf::Message> element = list_.next();
      if (element == nullptr) {
        out += any_ ? "\n ]\n}\n" : "{}\n";
        return false;
      }
      mask_.Trim(*element);
      config::Redact(*element);
      out += any_ ? ",\n  {\n" : "{\n \"configs\": [\n  {\n";
      any_ = true;
      AppendTyped(out, *element, kConfigIndent);
      out += "\n  }";
    }
    return true;
  }

 private:
  ConfigList list_;
  const FieldMask mask_;
  bool any_ = false;
};

// Leaves only resources whose whole name fits.
void KeepNamed(const std::shared_ptr<const re2::RE2>& names, std::vector<ConfigSection>& sections) {
  for (ConfigSection& section : sections) {
    for (ConfigList& list : section.lists) {
      list.next = [names, next = std::move(list.next)]() -> std::unique_ptr<google::protobuf::Message> {
        for (;;) {
          std::unique_ptr<google::protobuf::Message> element = next();
          if (element == nullptr || re2::RE2::FullMatch(ResourceNameOf(*element), *names)) return element;
        }
      };
    }
  }
}

AdminAnswer DumpResource(std::vector<ConfigSection> sections, std::string_view resource, FieldMask mask) {
  for (ConfigSection& section : sections) {
    const auto* field = section.head->GetDescriptor()->FindFieldByName(std::string(resource));
    if (field == nullptr) continue;
    for (ConfigList& list : section.lists) {
      if (list.field != resource) continue;
      if (!mask.empty() && mask.For(*field->message_type()).empty()) {
        return TextAnswer(400, StrCat("mask: names no field of ", field->message_type()->full_name(), "\n"));
      }
      AdminAnswer answer;
      answer.content_type = kJson;
      answer.source = std::make_unique<ListDump>(std::move(list), std::move(mask));
      return answer;
    }
    if (!field->is_repeated()) {
      return TextAnswer(400, StrCat(resource, " is not a repeated field. Use ?mask=", resource,
                                    " to get only this field\n"));
    }
  }
  return TextAnswer(404, StrCat(resource, " not found in config dump\n"));
}

}  // namespace

AdminAnswer AnswerConfigDump(AdminServices& services, const AdminRequest& request) {
  FieldMask mask;
  if (const auto text = request.Parameter("mask"); text.has_value()) {
    auto parsed = FieldMask::Parse(*text);
    if (!parsed.ok()) return TextAnswer(400, StrCat(parsed.status().message(), "\n"));
    mask = *std::move(parsed);
  }
  std::shared_ptr<const re2::RE2> names;
  if (const auto text = request.Parameter("name_regex"); text.has_value() && !text->empty()) {
    names = std::make_shared<const re2::RE2>(re2::StringPiece(text->data(), text->size()), re2::RE2::Quiet);
    if (!names->ok()) return TextAnswer(400, StrCat("name_regex: ", names->error(), "\n"));
  }
  const auto resource = request.Parameter("resource");
  // Endpoints are many and rarely asked for: only on demand.
  const bool endpoints = request.Parameter("include_eds").has_value() && request.Flag("include_eds");
  std::vector<ConfigSection> sections = ConfigSections(services, endpoints);
  if (names != nullptr) KeepNamed(names, sections);
  if (resource.has_value()) return DumpResource(std::move(sections), *resource, std::move(mask));
  bool any = mask.empty();
  for (const ConfigSection& section : sections) any = any || !mask.For(*section.head->GetDescriptor()).empty();
  if (!any) return TextAnswer(400, "mask: names no field of any configuration shown\n");
  AdminAnswer answer;
  answer.content_type = kJson;
  answer.source = std::make_unique<WholeDump>(std::move(sections), std::move(mask));
  return answer;
}

}  // namespace nuncio::admin
