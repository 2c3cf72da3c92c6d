#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "source/telemetry/cluster_stats.h"
#include "source/telemetry/scope.h"
#include "source/upstream/cluster_config.h"

namespace nuncio::upstream {

enum class Limit : uint8_t { kConnections, kPendingRequests, kRequests, kRetries, kPools };
inline constexpr size_t kLimits = 5;

// The circuit breakers of one cluster and priority, shared by all threads: of each kind no more than the configured
// number is ever handed out, and none is refused while one is left anywhere.
//
// Each thread keeps a few units to itself, in a cache line of its own that in general only it touches; what it keeps
// gets smaller as the common stock does, and a thread that finds the stock empty takes from what others keep.
class ClusterLimits {
 public:
  // `slots`: the number of threads, main included.
  ClusterLimits(const CircuitBreakerThresholds& thresholds, uint32_t slots);
  ClusterLimits(const ClusterLimits&) = delete;
  ClusterLimits& operator=(const ClusterLimits&) = delete;

  // All of these from any thread; `slot` is the caller's own.

  // One unit, or false: all are in use.
  bool Take(telemetry::StatsSlot slot, Limit limit);
  // One unit even where all are in use. Until as many came back, nobody else gets one.
  void ForceTake(telemetry::StatsSlot slot, Limit limit);
  void Return(telemetry::StatsSlot slot, Limit limit);
  // Gives back what the slot keeps: its thread is done with the cluster.
  void ReturnSpare(telemetry::StatsSlot slot);

  uint32_t max(Limit limit) const { return stock(limit).max; }
  // Units in use; exact while nobody takes or returns. Above max after ForceTake.
  int64_t in_use(Limit limit) const { return stock(limit).max - Available(limit); }
  bool track_remaining() const { return track_remaining_; }

  // Whether all units were found in use. The caller whose call changes that is told by true, so that the changes
  // told over all threads alternate.
  bool BecameFull(Limit limit);
  bool BecameFree(Limit limit);

 private:
  static constexpr int32_t kMaxBatch = 16;

  struct alignas(64) Stock {
    std::atomic<int64_t> left{0};  // Negative: forced units that are to come back first.
    std::atomic<bool> full{false};
    uint32_t max = 0;  // Constant.
  };
  struct alignas(64) Spare {
    std::atomic<int32_t> units[kLimits] = {};
  };

  Stock& stock(Limit limit) { return stocks_[static_cast<size_t>(limit)]; }
  const Stock& stock(Limit limit) const { return stocks_[static_cast<size_t>(limit)]; }
  std::atomic<int32_t>& spare(telemetry::StatsSlot slot, Limit limit) {
    return spares_[slot].units[static_cast<size_t>(limit)];
  }
  static bool TakeFrom(std::atomic<int32_t>& units);
  bool TakeFromStock(telemetry::StatsSlot slot, Limit limit);
  int64_t Available(Limit limit) const;

  const uint32_t slots_;
  const bool track_remaining_;
  Stock stocks_[kLimits];
  const std::unique_ptr<Spare[]> spares_;
};

// The circuit breakers of a cluster, by RoutingPriority. Made once for a cluster, shared by its pools on all threads.
using ClusterLimitsByPriority = std::array<std::shared_ptr<ClusterLimits>, kRoutingPriorities>;
ClusterLimitsByPriority MakeClusterLimits(const ClusterConfig& config, uint32_t slots);

// A thread's access to the limits of one cluster and priority, with the gauges `circuit_breakers.<priority>.*`. From
// those of what remains it subtracts what it takes; the limits themselves are added by main. Belongs to its thread.
class LimitLease {
 public:
  // `stats`: the thread's own block.
  LimitLease(std::shared_ptr<ClusterLimits> limits, telemetry::StatsSlot slot, telemetry::CircuitBreakerStats& stats);
  LimitLease(const LimitLease&) = delete;
  LimitLease& operator=(const LimitLease&) = delete;
  // Everything taken must have been returned.
  ~LimitLease();

  // False: the limit is reached. Counting that is the caller's.
  bool Take(Limit limit);
  void ForceTake(Limit limit);
  void Return(Limit limit);

  const ClusterLimits& limits() const { return *limits_; }

 private:
  telemetry::Gauge& open_gauge(Limit limit);
  telemetry::Gauge& remaining_gauge(Limit limit);

  const std::shared_ptr<ClusterLimits> limits_;
  const telemetry::StatsSlot slot_;
  telemetry::CircuitBreakerStats& stats_;
};

}  // namespace nuncio::upstream
