#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "source/control/snapshot/snapshot.h"

namespace nuncio::control {

// Is told of a group's new snapshots. Called on the publisher's thread; must not block.
class SnapshotWatcher {
 public:
  virtual ~SnapshotWatcher() = default;
  // May come late: a snapshot of a lower revision than one already seen is to be ignored.
  virtual void OnSnapshot(const SnapshotPtr& snapshot) = 0;
};

// The latest snapshot of every group, and who wants to hear of new ones. Thread-safe.
class SnapshotCache {
 public:
  // Replaces the group's snapshot, unless that is of a later revision, and tells the watchers.
  void Publish(const SnapshotPtr& snapshot);

  // Null where nothing was pushed to the group yet.
  SnapshotPtr Latest(const std::string& group) const;
  std::vector<SnapshotPtr> All() const;

  // From now on `watcher` hears of every snapshot of the group for as long as it lives. Returns the latest.
  SnapshotPtr Watch(const std::string& group, const std::shared_ptr<SnapshotWatcher>& watcher);
  void Unwatch(const std::string& group, const SnapshotWatcher* watcher);

 private:
  struct Group {
    SnapshotPtr latest;
    std::map<const SnapshotWatcher*, std::weak_ptr<SnapshotWatcher>> watchers;
  };

  mutable std::mutex mutex_;
  std::map<std::string, Group> groups_;  // guarded by mutex_
};

}  // namespace nuncio::control
