#include "source/control/snapshot/state_history.h"

namespace nuncio::control {

SelectionPtr StateHistory::Past(const std::string& group, uint64_t revision, const std::string& type_url) {
  // Held while the store reads, so that a crowd that returns together makes one read.
  const std::lock_guard lock(mutex_);
  for (const Entry& entry : cache_) {
    if (entry.revision == revision && entry.group == group && entry.type_url == type_url) return entry.selection;
  }
  const absl::StatusOr<StoredRevision> stored = store_.Load(group, revision);
  SelectionPtr selection;
  if (stored.ok()) {
    std::vector<ResourcePtr> resources;
    for (const SetEntry& entry : stored->set.OfType(type_url)) resources.push_back(entry.resource);
    selection = std::make_shared<const Selection>(type_url, std::move(resources), revision);
  } else if (!absl::IsNotFound(stored.status())) {
    return nullptr;  // The store may work again the next time.
  }
  cache_.push_front({group, revision, type_url, selection});
  if (cache_.size() > kCached) cache_.pop_back();
  return selection;
}

}  // namespace nuncio::control
