#include "source/control/model/resource_checker.h"

#include <algorithm>
#include <memory>

#include "source/base/strings.h"
#include "source/config/fault.h"
#include "source/config/message_types.h"
#include "source/config/redactor.h"
#include "source/config/typed_config.h"
#include "source/control/model/form_checks.h"
#include "source/control/model/resource_types.h"

namespace nuncio::control {
namespace {

constexpr size_t kMaxNameLength = 4096;

// A proxy warns of fields that it does not know, and so do we; --strict makes an error of it.
config::Faults NewFaults() {
  return config::Faults({.action = config::UnknownFieldsPolicy::Action::kWarn, .control_plane = true});
}

class Check {
 public:
  Check(std::string given_name, const google::protobuf::Any& any, std::optional<uint32_t> index, ResourceFaults& faults)
      : any_(any), key_{any.type_url(), std::move(given_name)}, index_(index), faults_(faults) {}

  ResourcePtr Run() {
    if (!CheckTypeUrl()) return nullptr;
    const google::protobuf::Message* prototype = config::FindMessageType(any_.type_url());
    const bool known = FindResourceType(any_.type_url()) != nullptr && prototype != nullptr;
    if (known) {
      if (!CheckKnown(*prototype)) return nullptr;
    } else {
      Add(Severity::kWarning, "",
          StrCat("resource type ", any_.type_url(), " is not known here: it is served unchecked"));
      if (key_.name.empty()) {
        Add(Severity::kError, "", "a resource of a type that is not known here must be given a name");
        return nullptr;
      }
    }
    if (key_.name.size() > kMaxNameLength) {
      Add(Severity::kError, "", StrCat("its name has ", key_.name.size(), " bytes; ", kMaxNameLength, " is the most"));
      return nullptr;
    }
    auto resource = std::make_shared<const Resource>(key_.type_url, key_.name, any_.value());
    for (const std::string& path : resource->facts().redacted) {
      Add(Severity::kError, path,
          StrCat("is ", config::kRedacted, ", as it is shown to people: push the secret itself"));
    }
    return resource;
  }

 private:
  void Add(Severity severity, std::string_view field_path, std::string_view reason) {
    faults_.Add({severity, key_, std::string(field_path), std::string(reason), index_});
  }

  bool CheckTypeUrl() {
    if (any_.type_url().empty()) {
      Add(Severity::kError, "", "it has no type: its type URL must be set");
      return false;
    }
    // Clients compare type URLs as text.
    if (!any_.type_url().starts_with(kTypeUrlPrefix) || any_.type_url().size() == kTypeUrlPrefix.size()) {
      Add(Severity::kError, "", StrCat("type URL \"", any_.type_url(), "\" must begin with ", kTypeUrlPrefix));
      return false;
    }
    return true;
  }

  bool CheckKnown(const google::protobuf::Message& prototype) {
    const std::unique_ptr<google::protobuf::Message> message(prototype.New());
    if (!message->ParseFromString(any_.value())) {
      Add(Severity::kError, "", StrCat("its bytes are no ", message->GetDescriptor()->full_name()));
      return !key_.name.empty();
    }
    const bool named = CheckName(*message);
    config::Faults faults = NewFaults();
    config::CheckMessage(*message, faults);
    RequireName(faults);
    // Compilers count on messages that keep the rules.
    if (faults.empty()) CheckForm(*message, faults);
    for (const config::Fault& fault : faults.list()) Add(Severity::kError, fault.field_path, fault.reason);
    if (faults.count() > faults.list().size()) {
      Add(Severity::kError, "", StrCat("and ", faults.count() - faults.list().size(), " more faults"));
    }
    for (const config::Fault& warning : faults.warnings()) Add(Severity::kWarning, warning.field_path, warning.reason);
    return named;
  }

  bool CheckName(const google::protobuf::Message& message) {
    const std::string own = NameOfResource(key_.type_url, message).value_or("");
    const std::string_view field = FindResourceType(key_.type_url)->name_field;
    if (!key_.name.empty() && own != key_.name) {
      Add(Severity::kError, field, StrCat("it is named \"", own, "\", but pushed as \"", key_.name, "\""));
      return false;
    }
    key_.name = own;
    return !own.empty();
  }

  // Some types may lack a name by their rules; none may here.
  void RequireName(config::Faults& faults) {
    const std::string_view field = FindResourceType(key_.type_url)->name_field;
    const auto& list = faults.list();
    if (!key_.name.empty() ||
        std::any_of(list.begin(), list.end(), [&](const config::Fault& fault) { return fault.field_path == field; })) {
      return;
    }
    faults.Add(field, "must be set: proxies ask for it by name");
  }

  const google::protobuf::Any& any_;
  ResourceKey key_;
  const std::optional<uint32_t> index_;
  ResourceFaults& faults_;
};

}  // namespace

ResourcePtr CheckResource(const std::string& name, const google::protobuf::Any& any, std::optional<uint32_t> index,
                          ResourceFaults& faults) {
  return Check(name, any, index, faults).Run();
}

}  // namespace nuncio::control
