#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "envoy/config/core/v3/base.pb.h"

namespace nuncio::control {

// 1 to 255 bytes without control characters.
absl::Status CheckGroupName(std::string_view group);

// Which group a proxy belongs to, by what it says of itself. Immutable.
class GroupRule {
 public:
  // "cluster", "id", "metadata:KEY", or a text with fields in braces: "{cluster}/{locality.zone}". Fields are cluster,
  // id, locality.region, locality.zone, locality.sub_zone, and metadata.KEY where KEY may go down with dots.
  static absl::StatusOr<GroupRule> Parse(std::string_view text);

  // InvalidArgument, naming the field, where the node lacks one that the rule needs.
  absl::StatusOr<std::string> GroupOf(const envoy::config::core::v3::Node& node) const;

  const std::string& text() const { return text_; }

 private:
  struct Part {
    bool is_field;
    std::string text;
  };

  std::string text_;
  std::vector<Part> parts_;
};

}  // namespace nuncio::control
