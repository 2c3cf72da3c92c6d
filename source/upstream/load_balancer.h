#pragma once

#include <cstdint>
#include <vector>

#include "source/base/random.h"
#include "source/telemetry/cluster_stats.h"
#include "source/telemetry/scope.h"
#include "source/upstream/host_set.h"

namespace nuncio::upstream {

// Chooses hosts of one cluster for one worker: cursors into the tables of the current host set, and for LEAST_REQUEST
// the worker's own counts of requests under way (Host::active_requests). Pick allocates nothing, but for the first pick
// after a change of hosts with LEAST_REQUEST and weights that differ. One thread.
class LoadBalancer {
 public:
  // All but the config's values are kept by reference.
  LoadBalancer(const LoadBalancerConfig& config, Random& random, telemetry::StatsSlot slot,
               telemetry::ClusterBalancerStats& stats);

  // `hosts` must stay until the next call. Cursors go on where they were.
  void SetHosts(const HostSet& hosts);

  // Null: there is no host to choose. The host lives as long as the host set; keep a shared_ptr beyond the event.
  const Host* Pick();

 private:
  // Earliest deadline first over weights that change with the requests under way; Envoy's way of weighted least
  // request.
  struct Turn {
    double deadline;
    uint32_t host;
  };
  struct TableState {
    uint64_t cursor = 0;
    // Of kLeastRequest with weights: heap of the hosts, the next turn at the front.
    double now = 0;
    std::vector<Turn> turns;
  };

  const Host* PickFrom(const PickTable& table, TableState& state);
  const Host* PickLeastRequest(const PickTable& table);
  const Host* PickByTurn(const PickTable& table, TableState& state);
  double EffectiveWeight(const PickTable& table, uint32_t host) const;

  // Constant after construction.
  const LoadBalancerConfig config_;
  Random& random_;
  const telemetry::StatsSlot slot_;
  telemetry::ClusterBalancerStats& stats_;

  const HostSet* hosts_;
  std::vector<TableState> tables_;
  // By target.
  std::vector<uint64_t> locality_cursors_;
};

}  // namespace nuncio::upstream
