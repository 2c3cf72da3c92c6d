#include "source/control/snapshot/snapshot.h"

#include <algorithm>

namespace nuncio::control {
namespace {

SelectionPtr Everything(const std::string& type_url, std::span<const SetEntry> entries, uint64_t changed_revision) {
  std::vector<ResourcePtr> resources;
  resources.reserve(entries.size());
  for (const SetEntry& entry : entries) resources.push_back(entry.resource);
  return std::make_shared<const Selection>(type_url, std::move(resources), changed_revision);
}

}  // namespace

TypeSnapshot::TypeSnapshot(std::string type_url, std::span<const SetEntry> entries, uint64_t changed_revision)
    : changed_revision_(changed_revision), all_(Everything(type_url, entries, changed_revision)) {}

SelectionPtr TypeSnapshot::Select(bool all_names, const std::vector<std::string>& names,
                                  const std::vector<ResourcePtr>& kept) const {
  if (all_names && kept.empty()) return all_;
  std::vector<ResourcePtr> resources;
  if (all_names) {
    resources = all_->resources();
  } else {
    // Both are sorted by name.
    auto at = all_->resources().begin();
    for (const std::string& name : names) {
      at = std::lower_bound(at, all_->resources().end(), name,
                            [](const ResourcePtr& resource, const std::string& n) { return resource->name() < n; });
      if (at == all_->resources().end()) break;
      if ((*at)->name() == name) resources.push_back(*at);
    }
  }
  if (!kept.empty()) {
    resources.insert(resources.end(), kept.begin(), kept.end());
    std::sort(resources.begin(), resources.end(),
              [](const ResourcePtr& a, const ResourcePtr& b) { return a->name() < b->name(); });
  }
  return Cached(std::move(resources));
}

SelectionPtr TypeSnapshot::Cached(std::vector<ResourcePtr> resources) const {
  if (resources == all_->resources()) return all_;
  const std::lock_guard lock(mutex_);
  for (auto it = cache_.rbegin(); it != cache_.rend(); ++it) {
    if ((*it)->resources() != resources) continue;
    std::rotate(it.base() - 1, it.base(), cache_.end());
    return cache_.back();
  }
  if (cache_.size() >= kCachedSelections) cache_.erase(cache_.begin());
  cache_.push_back(std::make_shared<const Selection>(all_->type_url(), std::move(resources), changed_revision_));
  return cache_.back();
}

Snapshot::Snapshot(const StoredRevision& revision, const Snapshot* previous)
    : group_(revision.info.group), revision_(revision.info.revision) {
  for (const auto& [type_url, changed_revision] : revision.type_revisions) {
    if (previous != nullptr && changed_revision <= previous->revision()) {
      const auto it = previous->types().find(type_url);
      if (it != previous->types().end()) {
        types_.emplace(type_url, it->second);
        continue;
      }
    }
    types_.emplace(type_url,
                   std::make_shared<const TypeSnapshot>(type_url, revision.set.OfType(type_url), changed_revision));
  }
}

const TypeSnapshotPtr& Snapshot::Type(std::string_view type_url) const {
  static const auto* const kNothing =
      new TypeSnapshotPtr(std::make_shared<const TypeSnapshot>("", std::span<const SetEntry>(), 0));
  const auto it = types_.find(type_url);
  return it == types_.end() ? *kNothing : it->second;
}

}  // namespace nuncio::control
