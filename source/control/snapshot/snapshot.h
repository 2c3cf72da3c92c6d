#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "source/control/model/resource.h"
#include "source/control/snapshot/selection.h"
#include "source/control/store/store.h"

namespace nuncio::control {

// All resources of one type in a group. Immutable but for its cache; any thread.
class TypeSnapshot {
 public:
  TypeSnapshot(std::string type_url, std::span<const SetEntry> entries, uint64_t changed_revision);

  // Everything of the type.
  const SelectionPtr& all() const { return all_; }
  // The resources with these names (sorted, each once) that are there, and all of `kept`, resources that the group no
  // longer has. `all_names`: everything of the type instead of `names`.
  SelectionPtr Select(bool all_names, const std::vector<std::string>& names,
                      const std::vector<ResourcePtr>& kept) const;

 private:
  // What the proxies of a group ask for is mostly the same, so that a few selections serve them all.
  static constexpr size_t kCachedSelections = 16;

  SelectionPtr Cached(std::vector<ResourcePtr> resources) const;

  const uint64_t changed_revision_;
  const SelectionPtr all_;
  mutable std::mutex mutex_;
  mutable std::vector<SelectionPtr> cache_;  // guarded by mutex_; most recent last
};

using TypeSnapshotPtr = std::shared_ptr<const TypeSnapshot>;

// What the proxies of a group are to run. Immutable.
class Snapshot {
 public:
  // Types of `previous` that did not change are taken over from it. It may be null.
  Snapshot(const StoredRevision& revision, const Snapshot* previous);

  const std::string& group() const { return group_; }
  uint64_t revision() const { return revision_; }
  // An empty one for a type that the group has nothing of.
  const TypeSnapshotPtr& Type(std::string_view type_url) const;
  const std::map<std::string, TypeSnapshotPtr, std::less<>>& types() const { return types_; }

 private:
  const std::string group_;
  const uint64_t revision_;
  std::map<std::string, TypeSnapshotPtr, std::less<>> types_;
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

}  // namespace nuncio::control
