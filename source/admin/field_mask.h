#pragma once

#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"

namespace nuncio::admin {

// A google.protobuf.FieldMask: the fields that stay. Paths go through repeated messages, to every one of them, and into
// Any.
class FieldMask {
 public:
  // "version_info,static_clusters.cluster.name". An error where a path is empty, or deeper than 32 fields.
  static absl::StatusOr<FieldMask> Parse(std::string_view text);

  // The part of the mask that can stand for this type: the paths whose first field it has.
  FieldMask For(const google::protobuf::Descriptor& type) const;
  bool empty() const { return fields_.empty(); }
  // Of which the first field is `name`; an empty mask keeps all.
  FieldMask Below(const std::string& name) const;
  bool Has(const std::string& name) const { return fields_.count(name) > 0; }

  // Removes all that is not named.
  void Trim(google::protobuf::Message& message) const;

 private:
  // By field name; an empty mask below keeps the field as a whole.
  std::map<std::string, FieldMask> fields_;
};

}  // namespace nuncio::admin
