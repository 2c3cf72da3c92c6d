#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/any.pb.h"
#include "source/control/model/content_hash.h"
#include "source/control/model/references.h"

namespace nuncio::control {

struct ResourceKey {
  std::string type_url;
  std::string name;
  auto operator<=>(const ResourceKey&) const = default;
};

// One xDS resource as an operator pushed it. Immutable, shared between revisions, snapshots and streams.
class Resource {
 public:
  // `name` as proxies ask for it. `body` is the value of the Any, kept byte for byte.
  Resource(std::string type_url, std::string name, std::string body);

  const std::string& type_url() const { return key_.type_url; }
  const std::string& name() const { return key_.name; }
  const ResourceKey& key() const { return key_; }
  const std::string& body() const { return body_; }
  // Of type URL and body.
  const ContentHash& hash() const { return hash_; }
  // Empty for a type that is not known, and for a body that is not of its type.
  const ResourceFacts& facts() const { return facts_; }

  google::protobuf::Any ToAny() const;
  // As people may see it: without keys and passwords.
  google::protobuf::Any ToShownAny() const;

 private:
  const ResourceKey key_;
  const std::string body_;
  const ContentHash hash_;
  const ResourceFacts facts_;
};
using ResourcePtr = std::shared_ptr<const Resource>;

// A resource in a group's set.
struct SetEntry {
  ResourcePtr resource;
  // The group's revision since which it is as it is.
  uint64_t changed_revision = 0;
};

// Whether `a` is distributed, and listed, before `b`: by rank of the type, type URL, name.
bool OrderedBefore(const ResourceKey& a, const ResourceKey& b);

// All resources of a group at one revision, ordered. Immutable once built.
class ResourceSet {
 public:
  ResourceSet() = default;
  // Of several entries with one key the last is kept.
  explicit ResourceSet(std::vector<SetEntry> entries);

  const std::vector<SetEntry>& entries() const { return entries_; }
  size_t size() const { return entries_.size(); }
  const SetEntry* Find(const ResourceKey& key) const;
  // All of one type, by name.
  std::span<const SetEntry> OfType(std::string_view type_url) const;
  // The types there are, in order.
  std::vector<std::string> TypeUrls() const;

 private:
  std::vector<SetEntry> entries_;
};

// How one resource differs between two sets; null where a set has none.
struct ResourceDifference {
  ResourcePtr before;
  ResourcePtr after;
  const ResourceKey& key() const { return after != nullptr ? after->key() : before->key(); }
};

// In the order of the sets.
std::vector<ResourceDifference> Compare(const ResourceSet& before, const ResourceSet& after);

}  // namespace nuncio::control
