#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "source/base/clock.h"
#include "source/control/model/resource.h"

namespace nuncio::control {

enum class RevisionOrigin : int { kPushWhole = 1, kPushPartial = 2, kRollback = 3 };

// What is known of a revision beside its resources.
struct RevisionInfo {
  std::string group;
  // From 1 within the group.
  uint64_t revision = 0;
  std::string author;
  std::string message;
  // Kept to the microsecond.
  SystemTime create_time;
  RevisionOrigin origin = RevisionOrigin::kPushWhole;
  // For kRollback.
  uint64_t rolled_back_to = 0;
  uint32_t added = 0;
  uint32_t changed = 0;
  uint32_t removed = 0;
  uint32_t resources = 0;
};

// The step from one revision of a group to the next.
struct RevisionStep {
  // `info.revision` is the group's latest plus one; 1 makes the group.
  RevisionInfo info;
  // New ones, and those that take the place of one with the same key.
  std::vector<ResourcePtr> upserts;
  std::vector<ResourceKey> deletes;
};

// A revision with what it holds.
struct StoredRevision {
  RevisionInfo info;
  ResourceSet set;
  // For every type the set holds or ever held: the revision, not above this one, that last touched a resource of it.
  std::vector<std::pair<std::string, uint64_t>> type_revisions;
};

// Where revisions are kept, for good. Thread-safe.
class Store {
 public:
  virtual ~Store() = default;

  // The names of all groups.
  virtual absl::StatusOr<std::vector<std::string>> Groups() = 0;

  // All or nothing, and on disk when it returns. Aborted where the group is not at `step.info.revision` - 1.
  virtual absl::Status Append(const RevisionStep& step) = 0;

  // NotFound where the group or the revision is not there. nullopt: the latest.
  virtual absl::StatusOr<StoredRevision> Load(const std::string& group, std::optional<uint64_t> revision) = 0;

  // Newest first, only below `before` where given, at most `limit`. Empty for a group that is not there.
  virtual absl::StatusOr<std::vector<RevisionInfo>> History(const std::string& group, std::optional<uint64_t> before,
                                                            size_t limit) = 0;

  // Bytes on disk.
  virtual absl::StatusOr<uint64_t> SizeOnDisk() = 0;
};

}  // namespace nuncio::control
