#include "source/control/snapshot/group_rule.h"

#include "source/base/status_macros.h"
#include "source/base/strings.h"

namespace nuncio::control {
namespace {

using ::envoy::config::core::v3::Node;

constexpr std::string_view kMetadata = "metadata.";

absl::Status CheckField(std::string_view field) {
  if (field == "cluster" || field == "id" || field == "locality.region" || field == "locality.zone" ||
      field == "locality.sub_zone" || (field.starts_with(kMetadata) && field.size() > kMetadata.size())) {
    return absl::OkStatus();
  }
  return InvalidArgument(StrCat("there is no field \"", field,
                                "\" of a node; there are cluster, id, metadata.KEY, locality.region, locality.zone and "
                                "locality.sub_zone"));
}

// The value at a dotted path, where it is a string; empty else. A key that holds dots itself is found too.
std::string MetadataText(const google::protobuf::Struct& metadata, std::string_view path) {
  const auto whole = metadata.fields().find(std::string(path));
  if (whole != metadata.fields().end()) return whole->second.string_value();
  const size_t dot = path.find('.');
  if (dot == std::string_view::npos) return {};
  const auto below = metadata.fields().find(std::string(path.substr(0, dot)));
  if (below == metadata.fields().end()) return {};
  return MetadataText(below->second.struct_value(), path.substr(dot + 1));
}

std::string FieldText(const Node& node, std::string_view field) {
  if (field == "cluster") return node.cluster();
  if (field == "id") return node.id();
  if (field == "locality.region") return node.locality().region();
  if (field == "locality.zone") return node.locality().zone();
  if (field == "locality.sub_zone") return node.locality().sub_zone();
  return MetadataText(node.metadata(), field.substr(kMetadata.size()));
}

}  // namespace

absl::Status CheckGroupName(std::string_view group) {
  if (group.empty()) return InvalidArgument("a group must be named");
  if (group.size() > 255) return InvalidArgument("a group's name has at most 255 bytes");
  for (const char c : group) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return InvalidArgument("a group's name must not hold control characters");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<GroupRule> GroupRule::Parse(std::string_view text) {
  GroupRule rule;
  rule.text_ = text;
  constexpr std::string_view kMetadataFlag = "metadata:";
  if (text == "cluster" || text == "id") {
    rule.parts_.push_back({true, std::string(text)});
    return rule;
  }
  if (text.starts_with(kMetadataFlag) && text.size() > kMetadataFlag.size()) {
    rule.parts_.push_back({true, StrCat(kMetadata, text.substr(kMetadataFlag.size()))});
    return rule;
  }
  std::string_view rest = text;
  bool any_field = false;
  while (!rest.empty()) {
    const size_t open = rest.find('{');
    if (open != 0) rule.parts_.push_back({false, std::string(rest.substr(0, open))});
    if (open == std::string_view::npos) break;
    const size_t close = rest.find('}', open);
    if (close == std::string_view::npos)
      return InvalidArgument(StrCat("group rule \"", text, "\": a brace is not closed"));
    const std::string_view field = rest.substr(open + 1, close - open - 1);
    NUNCIO_RETURN_IF_ERROR(CheckField(field));
    rule.parts_.push_back({true, std::string(field)});
    any_field = true;
    rest = rest.substr(close + 1);
  }
  if (!any_field) {
    return InvalidArgument(StrCat("group rule \"", text,
                                  "\": must be cluster, id, metadata:KEY, or a text with fields in braces such as "
                                  "{cluster}/{locality.zone}"));
  }
  return rule;
}

absl::StatusOr<std::string> GroupRule::GroupOf(const Node& node) const {
  std::string group;
  for (const Part& part : parts_) {
    if (!part.is_field) {
      group += part.text;
      continue;
    }
    const std::string value = FieldText(node, part.text);
    if (value.empty()) {
      return InvalidArgument(
          StrCat("node.", part.text, " is not set; this control plane groups its clients by ", text_));
    }
    group += value;
  }
  NUNCIO_RETURN_IF_ERROR(CheckGroupName(group));
  return group;
}

}  // namespace nuncio::control
