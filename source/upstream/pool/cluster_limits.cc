#include "source/upstream/pool/cluster_limits.h"

#include <algorithm>
#include <utility>

namespace nuncio::upstream {
namespace {

constexpr Limit kAllLimits[] = {Limit::kConnections, Limit::kPendingRequests, Limit::kRequests, Limit::kRetries,
                                 Limit::kPools};

}  // namespace

ClusterLimits::ClusterLimits(const CircuitBreakerThresholds& thresholds, uint32_t slots)
    : slots_(std::max(slots, 1u)), track_remaining_(thresholds.track_remaining), spares_(new Spare[slots_]) {
  stock(Limit::kConnections).max = thresholds.max_connections;
  stock(Limit::kPendingRequests).max = thresholds.max_pending_requests;
  stock(Limit::kRequests).max = thresholds.max_requests;
  stock(Limit::kRetries).max = thresholds.max_retries;
  stock(Limit::kPools).max = thresholds.max_connection_pools;
  for (Stock& stock : stocks_) stock.left.store(stock.max, std::memory_order_relaxed);
}

bool ClusterLimits::TakeFrom(std::atomic<int32_t>& units) {
  int32_t left = units.load(std::memory_order_relaxed);
  while (left > 0) {
    if (units.compare_exchange_weak(left, left - 1)) return true;
  }
  return false;
}

bool ClusterLimits::TakeFromStock(telemetry::StatsSlot slot, Limit limit) {
  std::atomic<int64_t>& stock_left = stock(limit).left;
  int64_t left = stock_left.load(std::memory_order_relaxed);
  while (left > 0) {
    // A quarter of an even share: near the limit this is one, and nothing is kept.
    const int64_t batch = std::clamp<int64_t>(left / (4 * int64_t{slots_}), 1, kMaxBatch);
    if (!stock_left.compare_exchange_weak(left, left - batch)) continue;
    if (batch > 1) spare(slot, limit).fetch_add(static_cast<int32_t>(batch - 1));
    return true;
  }
  return false;
}

bool ClusterLimits::Take(telemetry::StatsSlot slot, Limit limit) {
  if (TakeFrom(spare(slot, limit))) return true;
  if (TakeFromStock(slot, limit)) return true;
  // What is owed for forced units comes first.
  if (stock(limit).left.load() < 0) return false;
  for (uint32_t i = 1; i < slots_; ++i) {
    if (TakeFrom(spare((slot + i) % slots_, limit))) return true;
  }
  return false;
}

void ClusterLimits::ForceTake(telemetry::StatsSlot slot, Limit limit) {
  if (!Take(slot, limit)) stock(limit).left.fetch_sub(1);
}

void ClusterLimits::Return(telemetry::StatsSlot slot, Limit limit) {
  Stock& common = stock(limit);
  if (common.left.load(std::memory_order_relaxed) < 0) {
    common.left.fetch_add(1);
    return;
  }
  std::atomic<int32_t>& units = spare(slot, limit);
  const int32_t kept = units.fetch_add(1) + 1;
  if (kept < 2 * kMaxBatch) return;
  // Another thread may have taken some of them meanwhile.
  int32_t left = units.load(std::memory_order_relaxed);
  while (left >= kMaxBatch) {
    if (!units.compare_exchange_weak(left, left - kMaxBatch)) continue;
    common.left.fetch_add(kMaxBatch);
    return;
  }
}

void ClusterLimits::ReturnSpare(telemetry::StatsSlot slot) {
  for (const Limit limit : kAllLimits) stock(limit).left.fetch_add(spare(slot, limit).exchange(0));
}

int64_t ClusterLimits::Available(Limit limit) const {
  int64_t available = stock(limit).left.load();
  for (uint32_t slot = 0; slot < slots_; ++slot) {
    available += spares_[slot].units[static_cast<size_t>(limit)].load();
  }
  return available;
}

bool ClusterLimits::BecameFull(Limit limit) {
  Stock& common = stock(limit);
  if (common.full.load(std::memory_order_relaxed) || common.left.load() > 0 || Available(limit) > 0) return false;
  if (common.full.exchange(true)) return false;
  // A unit returned between the look and the exchange was returned by one who did not see `full`.
  return Available(limit) <= 0 || !common.full.exchange(false);
}

bool ClusterLimits::BecameFree(Limit limit) {
  Stock& common = stock(limit);
  if (!common.full.load() || Available(limit) <= 0) return false;
  return common.full.exchange(false);
}

ClusterLimitsByPriority MakeClusterLimits(const ClusterConfig& config, uint32_t slots) {
  return {std::make_shared<ClusterLimits>(config.thresholds(RoutingPriority::kDefault), slots),
          std::make_shared<ClusterLimits>(config.thresholds(RoutingPriority::kHigh), slots)};
}

LimitLease::LimitLease(std::shared_ptr<ClusterLimits> limits, telemetry::StatsSlot slot,
                       telemetry::CircuitBreakerStats& stats)
    : limits_(std::move(limits)), slot_(slot), stats_(stats) {}

LimitLease::~LimitLease() { limits_->ReturnSpare(slot_); }

bool LimitLease::Take(Limit limit) {
  const bool taken = limits_->Take(slot_, limit);
  if (limits_->BecameFull(limit)) open_gauge(limit).Inc();
  if (taken && limits_->track_remaining()) remaining_gauge(limit).Dec();
  return taken;
}

void LimitLease::ForceTake(Limit limit) {
  limits_->ForceTake(slot_, limit);
  if (limits_->BecameFull(limit)) open_gauge(limit).Inc();
  if (limits_->track_remaining()) remaining_gauge(limit).Dec();
}

void LimitLease::Return(Limit limit) {
  limits_->Return(slot_, limit);
  if (limits_->BecameFree(limit)) open_gauge(limit).Dec();
  if (limits_->track_remaining()) remaining_gauge(limit).Inc();
}

telemetry::Gauge& LimitLease::open_gauge(Limit limit) {
  switch (limit) {
    case Limit::kConnections:
      return stats_.cx_open;
    case Limit::kPendingRequests:
      return stats_.rq_pending_open;
    case Limit::kRequests:
      return stats_.rq_open;
    case Limit::kRetries:
      return stats_.rq_retry_open;
    case Limit::kPools:
      break;
  }
  return stats_.cx_pool_open;
}

telemetry::Gauge& LimitLease::remaining_gauge(Limit limit) {
  switch (limit) {
    case Limit::kConnections:
      return stats_.remaining_cx;
    case Limit::kPendingRequests:
      return stats_.remaining_pending;
    case Limit::kRequests:
      return stats_.remaining_rq;
    case Limit::kRetries:
      return stats_.remaining_retries;
    case Limit::kPools:
      break;
  }
  return stats_.remaining_cx_pools;
}

}  // namespace nuncio::upstream
