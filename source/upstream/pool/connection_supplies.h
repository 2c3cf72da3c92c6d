#pragma once

#include <cstdint>

#include "source/http/h2/h2_pools.h"
#include "source/telemetry/scope.h"

namespace nuncio::upstream {

// What the upstream connections of one thread share across clusters. One per thread; outlives the thread's ClusterPools
// and, since connections are destroyed at the end of a turn, its loop's deferred deletions. Not thread-safe.
class ConnectionSupplies {
 public:
  explicit ConnectionSupplies(telemetry::StatsSlot slot) : next_id_((uint64_t{slot} << 48) + 1) {}
  ConnectionSupplies(const ConnectionSupplies&) = delete;
  ConnectionSupplies& operator=(const ConnectionSupplies&) = delete;

  // Unique in the process.
  uint64_t NextConnectionId() { return next_id_++; }
  http::h2::H2Pools& h2() { return h2_; }

 private:
  uint64_t next_id_;
  http::h2::H2Pools h2_;
};

}  // namespace nuncio::upstream
