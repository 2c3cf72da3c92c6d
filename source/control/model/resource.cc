#include "source/control/model/resource.h"

#include <algorithm>
#include <tuple>

#include "source/config/message_types.h"
#include "source/config/redactor.h"
#include "source/control/model/resource_types.h"

namespace nuncio::control {
namespace {

ContentHash HashOf(const ResourceKey& key, const std::string& body) {
  ContentHasher hasher;
  hasher.Add(key.type_url);
  hasher.Add(body);
  return hasher.Finish();
}

ResourceFacts FactsOf(const std::string& type_url, const std::string& body) {
  const google::protobuf::Message* prototype = config::FindMessageType(type_url);
  if (prototype == nullptr) return {};
  const std::unique_ptr<google::protobuf::Message> message(prototype->New());
  if (!message->ParseFromString(body)) return {};
  return CollectFacts(*message);
}

bool EntryBefore(const SetEntry& entry, const ResourceKey& key) { return OrderedBefore(entry.resource->key(), key); }

}  // namespace

Resource::Resource(std::string type_url, std::string name, std::string body)
    : key_{std::move(type_url), std::move(name)},
      body_(std::move(body)),
      hash_(HashOf(key_, body_)),
      facts_(FactsOf(key_.type_url, body_)) {}

google::protobuf::Any Resource::ToAny() const {
  google::protobuf::Any any;
  any.set_type_url(key_.type_url);
  any.set_value(body_);
  return any;
}

google::protobuf::Any Resource::ToShownAny() const {
  google::protobuf::Any any = ToAny();
  // A secret may hold one in a form that this build does not know.
  const bool secret = type_url() == kSecretType;
  if (secret && config::UnpackKnown(any) == nullptr) {
    any.clear_value();
  } else if (secret || facts_.sensitive) {
    config::Redact(any);
  }
  return any;
}

bool OrderedBefore(const ResourceKey& a, const ResourceKey& b) {
  if (a.type_url == b.type_url) return a.name < b.name;
  return std::make_tuple(RankOf(a.type_url), std::string_view(a.type_url)) <
         std::make_tuple(RankOf(b.type_url), std::string_view(b.type_url));
}

ResourceSet::ResourceSet(std::vector<SetEntry> entries) : entries_(std::move(entries)) {
  std::stable_sort(entries_.begin(), entries_.end(), [](const SetEntry& a, const SetEntry& b) {
    return OrderedBefore(a.resource->key(), b.resource->key());
  });
  // Backwards, so that the last of equal ones stays.
  const auto kept = std::unique(entries_.rbegin(), entries_.rend(), [](const SetEntry& a, const SetEntry& b) {
    return a.resource->key() == b.resource->key();
  });
  entries_.erase(entries_.begin(), kept.base());
}

const SetEntry* ResourceSet::Find(const ResourceKey& key) const {
  const auto it = std::lower_bound(entries_.begin(), entries_.end(), key, EntryBefore);
  return it == entries_.end() || it->resource->key() != key ? nullptr : &*it;
}

std::span<const SetEntry> ResourceSet::OfType(std::string_view type_url) const {
  const auto begin =
      std::lower_bound(entries_.begin(), entries_.end(), ResourceKey{std::string(type_url), ""}, EntryBefore);
  const auto end =
      std::find_if(begin, entries_.end(), [&](const SetEntry& e) { return e.resource->type_url() != type_url; });
  return {begin, end};
}

std::vector<std::string> ResourceSet::TypeUrls() const {
  std::vector<std::string> types;
  for (const SetEntry& entry : entries_) {
    if (types.empty() || types.back() != entry.resource->type_url()) types.push_back(entry.resource->type_url());
  }
  return types;
}

std::vector<ResourceDifference> Compare(const ResourceSet& before, const ResourceSet& after) {
  std::vector<ResourceDifference> differences;
  auto old_entry = before.entries().begin();
  auto new_entry = after.entries().begin();
  while (old_entry != before.entries().end() || new_entry != after.entries().end()) {
    if (new_entry == after.entries().end() || (old_entry != before.entries().end() &&
                                               OrderedBefore(old_entry->resource->key(), new_entry->resource->key()))) {
      differences.push_back({(old_entry++)->resource, nullptr});
    } else if (old_entry == before.entries().end() ||
               OrderedBefore(new_entry->resource->key(), old_entry->resource->key())) {
      differences.push_back({nullptr, (new_entry++)->resource});
    } else {
      if (old_entry->resource->hash() != new_entry->resource->hash()) {
        differences.push_back({old_entry->resource, new_entry->resource});
      }
      ++old_entry;
      ++new_entry;
    }
  }
  return differences;
}

}  // namespace nuncio::control
