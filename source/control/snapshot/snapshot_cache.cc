#include "source/control/snapshot/snapshot_cache.h"

namespace nuncio::control {

void SnapshotCache::Publish(const SnapshotPtr& snapshot) {
  std::vector<std::shared_ptr<SnapshotWatcher>> watchers;
  {
    const std::lock_guard lock(mutex_);
    Group& group = groups_[snapshot->group()];
    if (group.latest != nullptr && group.latest->revision() > snapshot->revision()) return;
    group.latest = snapshot;
    watchers.reserve(group.watchers.size());
    for (const auto& [key, watcher] : group.watchers) {
      if (std::shared_ptr<SnapshotWatcher> alive = watcher.lock()) watchers.push_back(std::move(alive));
    }
  }
  for (const std::shared_ptr<SnapshotWatcher>& watcher : watchers) watcher->OnSnapshot(snapshot);
}

SnapshotPtr SnapshotCache::Latest(const std::string& group) const {
  const std::lock_guard lock(mutex_);
  const auto it = groups_.find(group);
  return it == groups_.end() ? nullptr : it->second.latest;
}

std::vector<SnapshotPtr> SnapshotCache::All() const {
  const std::lock_guard lock(mutex_);
  std::vector<SnapshotPtr> all;
  for (const auto& [name, group] : groups_) {
    if (group.latest != nullptr) all.push_back(group.latest);
  }
  return all;
}

SnapshotPtr SnapshotCache::Watch(const std::string& group, const std::shared_ptr<SnapshotWatcher>& watcher) {
  const std::lock_guard lock(mutex_);
  Group& entry = groups_[group];
  entry.watchers[watcher.get()] = watcher;
  return entry.latest;
}

void SnapshotCache::Unwatch(const std::string& group, const SnapshotWatcher* watcher) {
  const std::lock_guard lock(mutex_);
  const auto it = groups_.find(group);
  if (it == groups_.end()) return;
  it->second.watchers.erase(watcher);
  // A group that only ever was a proxy's claim leaves nothing behind.
  if (it->second.watchers.empty() && it->second.latest == nullptr) groups_.erase(it);
}

}  // namespace nuncio::control
