#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/any.pb.h"
#include "source/base/clock.h"
#include "source/control/metrics/counters.h"
#include "source/control/model/resource.h"
#include "source/control/model/resource_fault.h"
#include "source/control/snapshot/snapshot_cache.h"
#include "source/control/store/store.h"

namespace nuncio::control {

struct PushedResource {
  // May be empty where the resource itself tells.
  std::string name;
  google::protobuf::Any resource;
};

struct PushCommand {
  std::string group;
  std::vector<PushedResource> resources;
  bool partial = false;
  std::vector<ResourceKey> deletes;
  bool dry_run = false;
  std::optional<uint64_t> expected_revision;
  bool strict = false;
  std::string author;
  std::string message;
};

struct RollbackCommand {
  std::string group;
  // 0: the one before the latest.
  uint64_t to_revision = 0;
  std::optional<uint64_t> expected_revision;
  bool dry_run = false;
  std::string author;
  // Empty: "Roll back to revision N".
  std::string message;
};

struct PushOutcome {
  enum class Kind {
    kTaken,      // stored and distributed; in a dry run: would be
    kUnchanged,  // the group has this set already
    kRefused,    // see faults
    kConflict,   // the group is not at the expected revision; see latest
  };
  Kind kind = Kind::kTaken;
  // The group's latest revision: after a push that was taken, the new one. nullopt where the group does not exist.
  std::optional<RevisionInfo> latest;
  std::vector<ResourceFault> faults;
  std::vector<ResourceDifference> differences;
};

// Takes pushes: checks, stores, distributes, in this order and each to its end before the next. The one writer of the
// store. Thread-safe; calls block for as long as the check and the disk take.
class Publisher {
 public:
  // All must outlive this. `static_clusters`: see SetCheckOptions.
  Publisher(const Clock& clock, Store& store, SnapshotCache& snapshots, Counters& counters,
            std::set<std::string> static_clusters)
      : clock_(clock),
        store_(store),
        snapshots_(snapshots),
        counters_(counters),
        static_clusters_(std::move(static_clusters)) {}

  // Brings every group to its latest stored revision. Once, before anything else.
  absl::Status Restore();

  // An error means that the push could not be worked on; what the checks say is in the outcome.
  absl::StatusOr<PushOutcome> Push(const PushCommand& command);
  // `rolled_back_to` is set to the revision meant.
  absl::StatusOr<PushOutcome> Rollback(const RollbackCommand& command, uint64_t& rolled_back_to);
  // Checks a set by itself.
  std::vector<ResourceFault> Validate(const std::vector<PushedResource>& resources, bool strict, bool partial) const;

  // The latest revision of a group; null where there is none.
  std::shared_ptr<const StoredRevision> Latest(const std::string& group) const;
  std::vector<std::shared_ptr<const StoredRevision>> AllLatest() const;

 private:
  // A push on its way.
  struct Candidate {
    std::vector<ResourcePtr> resources;
    std::map<ResourceKey, uint32_t> index_of;
    ResourceFaults faults;
  };

  static Candidate CheckEach(const std::vector<PushedResource>& resources, bool strict, bool numbered);
  absl::StatusOr<PushOutcome> Publish(const PushCommand& command, RevisionInfo info, Candidate candidate);
  absl::StatusOr<PushOutcome> Decide(const PushCommand& command, RevisionInfo info, Candidate candidate);
  // The set that the group would have.
  ResourceSet Merge(const PushCommand& command, const ResourceSet& current, Candidate& candidate) const;
  absl::Status Commit(const RevisionInfo& info, const ResourceSet& next,
                      const std::vector<ResourceDifference>& differences);
  void SetLatest(std::shared_ptr<const StoredRevision> revision);

  const Clock& clock_;
  Store& store_;
  SnapshotCache& snapshots_;
  Counters& counters_;
  const std::set<std::string> static_clusters_;

  // Held from looking at a group's latest revision until the next one is out.
  std::mutex push_mutex_;
  mutable std::mutex latest_mutex_;
  std::map<std::string, std::shared_ptr<const StoredRevision>> latest_;  // guarded by latest_mutex_
};

}  // namespace nuncio::control
