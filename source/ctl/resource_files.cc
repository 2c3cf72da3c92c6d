#include "source/ctl/resource_files.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>

#include "envoy/service/discovery/v3/discovery.pb.h"
#include "source/base/strings.h"
#include "source/config/fault.h"
#include "source/config/message_types.h"
#include "source/config/text_document.h"
#include "source/config/yaml_loader.h"
#include "source/control/model/resource_types.h"

namespace nuncio::ctl {
namespace {

using ::envoy::service::discovery::v3::DiscoveryResponse;

constexpr std::string_view kStandardInput = "-";

bool IsResourceFile(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

const config::TextNode* ValueOf(const config::TextNode& mapping, std::string_view key) {
  for (size_t i = 0; i + 1 < mapping.children.size(); i += 2) {
    if (mapping.children[i].node->text == key) return mapping.children[i + 1].node;
  }
  return nullptr;
}

std::string TextOf(const config::TextNode& mapping, std::string_view key) {
  const config::TextNode* value = ValueOf(mapping, key);
  return value == nullptr ? std::string() : value->text;
}

// What a resource is called, as far as the text tells.
std::string LabelOf(const config::TextNode& node, const std::string& otherwise) {
  if (node.kind != config::TextNode::Kind::kMapping) return otherwise;
  const std::string type_url = TextOf(node, "@type");
  const control::ResourceType* type = control::FindResourceType(type_url);
  if (type == nullptr) return otherwise;
  std::string name = TextOf(node, type->name_field);
  if (name.empty()) name = TextOf(node, "clusterName");
  return name.empty() ? otherwise : ResourceLabel(type_url, name);
}

class Loader {
 public:
  LoadResult Load(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) LoadPath(path);
    return std::move(result_);
  }

 private:
  void AddFault(const std::string& file, int line, const std::string& label, const std::string& field,
                const std::string& reason) {
    std::string text = file;
    if (line > 0) StrAppend(text, ":", line);
    if (!label.empty()) StrAppend(text, ": ", label);
    if (!field.empty()) StrAppend(text, ": ", field);
    result_.faults.push_back(StrCat(text, ": ", reason));
  }

  void LoadPath(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) return LoadFile(path);
    std::vector<std::string> files;
    std::filesystem::recursive_directory_iterator it(path, error);
    for (const std::filesystem::recursive_directory_iterator end; !error && it != end; it.increment(error)) {
      if (IsResourceFile(it->path()) && !it->is_directory(error)) files.push_back(it->path().string());
    }
    if (error) return AddFault(path, 0, "", "", error.message());
    if (files.empty()) return AddFault(path, 0, "", "", "there is no .yaml, .yml or .json file in it");
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) LoadFile(file);
  }

  void LoadFile(const std::string& file) {
    std::string text;
    config::Faults faults;
    if (!config::ReadTextFile(file == kStandardInput ? "/dev/stdin" : file, text, faults)) {
      return AddFaults(file, faults, {});
    }
    config::TextDocument document;
    if (!document.ParseYaml(text, faults)) return AddFaults(file, faults, {});
    const config::TextNode* root = document.root();
    if (root == nullptr) return;  // Nothing but comments: an operator may have taken all out.
    if (root->kind == config::TextNode::Kind::kMapping && ValueOf(*root, "resources") != nullptr) {
      LoadList(file, text, *ValueOf(*root, "resources"));
    } else if (root->kind == config::TextNode::Kind::kMapping && ValueOf(*root, "@type") != nullptr) {
      LoadOne(file, text, *root);
    } else {
      AddFault(file, root->line, "", "",
               "must be a mapping with a list `resources`, or one resource with its \"@type\"");
    }
  }

  void LoadOne(const std::string& file, const std::string& text, const config::TextNode& root) {
    config::Faults faults;
    google::protobuf::Any resource;
    const std::string label = LabelOf(root, "");
    if (!config::LoadText(text, config::TextFormat::kAuto, resource, faults)) {
      return AddFaults(file, faults, {label});
    }
    // A whole response, as a server sends it.
    DiscoveryResponse response;
    if (resource.UnpackTo(&response)) {
      for (const google::protobuf::Any& inner : response.resources()) Add(file, "", inner);
      return;
    }
    Add(file, label, std::move(resource));
  }

  void LoadList(const std::string& file, const std::string& text, const config::TextNode& list) {
    std::vector<std::string> labels;
    if (list.kind == config::TextNode::Kind::kSequence) {
      for (const config::TextNode::Child& item : list.children) {
        if (!item.ignored) labels.push_back(LabelOf(*item.node, ""));
      }
    } else {
      labels.push_back(LabelOf(list, ""));
    }
    config::Faults faults;
    DiscoveryResponse response;
    if (!config::LoadText(text, config::TextFormat::kAuto, response, faults)) return AddFaults(file, faults, labels);
    for (int i = 0; i < response.resources_size(); ++i) {
      Add(file, static_cast<size_t>(i) < labels.size() ? labels[static_cast<size_t>(i)] : "", response.resources(i));
    }
  }

  void Add(const std::string& file, std::string label, google::protobuf::Any resource) {
    if (label.empty()) {
      const std::unique_ptr<google::protobuf::Message> message = config::UnpackKnown(resource);
      const std::string name =
          message == nullptr ? "" : control::NameOfResource(resource.type_url(), *message).value_or("");
      label = ResourceLabel(resource.type_url(), name);
    }
    result_.resources.push_back({file, std::move(label), std::move(resource)});
  }

  // Paths that begin with `resources[N]` are told by the label of that resource.
  void AddFaults(const std::string& file, const config::Faults& faults, const std::vector<std::string>& labels) {
    for (const config::Fault& fault : faults.list()) {
      std::string label = labels.size() == 1 && !fault.field_path.starts_with("resources[") ? labels[0] : "";
      std::string field = fault.field_path;
      constexpr std::string_view kPrefix = "resources[";
      const size_t close = field.find(']');
      if (field.starts_with(kPrefix) && close != std::string::npos) {
        const std::optional<size_t> index =
            ParseDecimal<size_t>(std::string_view(field).substr(kPrefix.size(), close - kPrefix.size()));
        label = index.has_value() && *index < labels.size() ? labels[*index] : "";
        if (label.empty()) {
          label = field.substr(0, close + 1);
        }
        field = field.substr(std::min(field.size(), close + 2));
      }
      AddFault(file, fault.line, label, field, fault.reason);
    }
    if (faults.count() > faults.list().size()) {
      AddFault(file, 0, "", "", StrCat("and ", faults.count() - faults.list().size(), " more"));
    }
  }

  LoadResult result_;
};

}  // namespace

std::string ResourceLabel(const std::string& type_url, const std::string& name) {
  return name.empty() ? control::ShortTypeName(type_url) : StrCat(control::ShortTypeName(type_url), " ", name);
}

LoadResult LoadResources(const std::vector<std::string>& paths) { return Loader().Load(paths); }

}  // namespace nuncio::ctl
