#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "source/base/rarely.h"
#include "source/upstream/cluster_config.h"
#include "source/upstream/host.h"
#include "source/upstream/pick_table.h"

// The hosts of a cluster at one time, with all that balancing can know beforehand. Immutable; shared by all threads.
// Most clusters have few hosts, of one locality and one priority: what there is one of then stands in its owner.
namespace nuncio::upstream {

// A host with what successive host sets may say differently of it.
struct HostEntry {
  HostPtr host;
  uint32_t weight = 1;
  HealthStatus health = HealthStatus::kUnknown;

  bool operator==(const HostEntry&) const = default;
};

// A run of entries, shared by successive host sets while it stays the same.
struct HostChunk {
  static constexpr size_t kMaxEntries = 256;
  std::vector<HostEntry> entries;
};
using HostChunkPtr = std::shared_ptr<const HostChunk>;

// The hosts of one locality at one priority.
struct LocalityHosts {
  Locality locality;
  uint32_t weight = 0;
  uint32_t priority = 0;
  absl::InlinedVector<HostChunkPtr, 1> chunks;
  size_t size = 0;
};

class HostSet {
 public:
  // A group of hosts among which the policy chooses, and the way to it. Without locality weights there is one table.
  struct Target {
    uint32_t priority = 0;
    // Health is left out of account here.
    bool panic = false;
    // Hosts that are degraded.
    bool degraded = false;
    // Order in which localities get their turn: indices into `tables`, in a schedule proportional to their weights.
    // Empty where there is one table.
    Rarely<Schedule> localities;
    absl::InlinedVector<PickTable, 1> tables;
    // Number of the first of `tables` within the host set, for what a worker keeps by table.
    uint32_t first_table = 0;
  };

  struct Membership {
    uint32_t total = 0;
    uint32_t healthy = 0;
    uint32_t degraded = 0;
    uint32_t max_weight = 0;
    bool operator==(const Membership&) const = default;
  };

  // `localities` in any order; what they share with an earlier host set is shared again by the caller. `balancer`
  // decides which tables are made.
  static std::shared_ptr<const HostSet> Create(std::vector<LocalityHosts> localities, uint32_t overprovisioning_factor,
                                               const LoadBalancerConfig& balancer);
  // Without hosts.
  static std::shared_ptr<const HostSet> Empty();

  const std::vector<LocalityHosts>& localities() const { return localities_; }
  uint32_t overprovisioning_factor() const { return overprovisioning_factor_; }
  const Membership& membership() const { return membership_; }
  bool empty() const { return membership_.total == 0; }
  // Shares of the traffic in percent by priority; for tests and the admin interface.
  struct PriorityLoad {
    uint32_t healthy = 0;
    uint32_t degraded = 0;
    bool panic = false;
  };
  const absl::InlinedVector<PriorityLoad, 1>& priority_loads() const { return priority_loads_; }

  // Calls `visit(const LocalityHosts&, const HostEntry&)` for every host.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (const LocalityHosts& locality : localities_) {
      for (const HostChunkPtr& chunk : locality.chunks) {
        for (const HostEntry& entry : chunk->entries) visit(locality, entry);
      }
    }
  }

  // Empty: no host can be chosen.
  const absl::InlinedVector<Target, 1>& targets() const { return targets_; }
  // The target for a number that is evenly spread over uint64_t. Legal only where there are targets.
  const Target& TargetFor(uint64_t random) const {
    return targets_.size() == 1 ? targets_.front() : targets_[target_by_percent_[random % 100]];
  }
  // Of all targets.
  uint32_t table_count() const { return table_count_; }

 private:
  HostSet() = default;
  struct Builder;

  std::vector<LocalityHosts> localities_;
  uint32_t overprovisioning_factor_ = 140;
  Membership membership_;
  absl::InlinedVector<PriorityLoad, 1> priority_loads_;
  absl::InlinedVector<Target, 1> targets_;
  // Empty where there is one target at most.
  std::vector<uint16_t> target_by_percent_;
  uint32_t table_count_ = 0;
};

using HostSetPtr = std::shared_ptr<const HostSet>;

}  // namespace nuncio::upstream
