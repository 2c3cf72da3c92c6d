#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace nuncio::matcher {

// A value of configured metadata: what google.protobuf.Value can say, without protobuf.
struct MetadataValue {
  using List = std::vector<MetadataValue>;
  using Fields = std::map<std::string, MetadataValue, std::less<>>;

  std::variant<std::monostate, bool, double, std::string, List, Fields> value;

  // Compact JSON, appended. Numbers that are integral are written without a fraction.
  void AppendJson(std::string& out) const;

  bool operator==(const MetadataValue& other) const { return value == other.value; }
};

// Data about a virtual host, route, cluster, endpoint or listener, by namespace. Immutable once compiled.
struct Metadata {
  MetadataValue::Fields namespaces;

  bool empty() const { return namespaces.empty(); }
  bool operator==(const Metadata& other) const { return namespaces == other.namespaces; }
  // The value at a path of field names below a namespace; an empty path gives the namespace as a whole. Null where
  // there is none.
  const MetadataValue* Find(std::string_view name_space, std::span<const std::string> path) const;
};

}  // namespace nuncio::matcher
