#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "source/control/model/content_hash.h"
#include "source/control/model/resource.h"

namespace nuncio::control {

// The resources of one type that one response carries. Immutable and shared by all streams that want the same.
class Selection {
 public:
  // `resources` by name, each name once. `changed_revision`: when the type last changed in the group.
  Selection(std::string type_url, std::vector<ResourcePtr> resources, uint64_t changed_revision);

  const std::string& type_url() const { return type_url_; }
  const std::vector<ResourcePtr>& resources() const { return resources_; }
  const Resource* Find(std::string_view name) const;
  // Of names and contents.
  const ContentHash& hash() const { return hash_; }
  // "12.0123456789abcdef": changed_revision and hash.
  const std::string& version() const { return version_; }
  // Names of resources of another type that a client asks for once it has these; sorted, each once.
  const std::vector<std::string>& SubscribedNames(std::string_view other_type) const;

  // The resources as the repeated field `resources` of a DiscoveryResponse on the wire. Made at first use. Any thread.
  std::shared_ptr<const std::string> Encoded() const;

 private:
  const std::string type_url_;
  const std::vector<ResourcePtr> resources_;
  const ContentHash hash_;
  const std::string version_;
  const std::map<std::string, std::vector<std::string>, std::less<>> subscribed_names_;

  mutable std::once_flag encode_once_;
  mutable std::shared_ptr<const std::string> encoded_;
};
using SelectionPtr = std::shared_ptr<const Selection>;

// The hash part of a version made by Selection; empty where `version` is none.
std::string_view HashPartOfVersion(std::string_view version);

// Those of `selection` whose names are among `names` (sorted); the same object where that is all.
SelectionPtr Restrict(const SelectionPtr& selection, const std::vector<std::string>& names);

}  // namespace nuncio::control
