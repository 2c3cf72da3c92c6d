#pragma once

#include <deque>
#include <mutex>
#include <string>

#include "source/control/snapshot/selection.h"
#include "source/control/store/store.h"

namespace nuncio::control {

// What groups had at earlier revisions, for clients that return with it from another time of this server or another
// server. Thread-safe; reads the store where it must.
class StateHistory {
 public:
  // `store` must outlive this.
  explicit StateHistory(Store& store) : store_(store) {}

  // All resources of a type at a revision; null where there is no such revision.
  SelectionPtr Past(const std::string& group, uint64_t revision, const std::string& type_url);

 private:
  // Proxies that were cut off together return with the same few revisions.
  static constexpr size_t kCached = 8;
  struct Entry {
    std::string group;
    uint64_t revision;
    std::string type_url;
    SelectionPtr selection;
  };

  Store& store_;
  std::mutex mutex_;
  std::deque<Entry> cache_;  // guarded by mutex_; most recent first
};

}  // namespace nuncio::control
