#include "source/upstream/host.h"

#include <mutex>

namespace nuncio::upstream {
namespace {

// One for all clusters: hosts come and go when members change.
std::mutex& SlotsMutex() {
  static std::mutex mutex;
  return mutex;
}

// One for all hosts: it is taken once per connection to a LOGICAL_DNS host, and by main when a name's address changes.
std::mutex& MovedMutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

uint32_t HostSlots::Take() {
  const std::lock_guard lock(SlotsMutex());
  if (free_.empty()) return limit_++;
  const uint32_t slot = free_.back();
  free_.pop_back();
  return slot;
}

void HostSlots::Return(uint32_t slot) {
  const std::lock_guard lock(SlotsMutex());
  free_.push_back(slot);
}

uint32_t HostSlots::limit() const {
  const std::lock_guard lock(SlotsMutex());
  return limit_;
}

Host::Host(std::shared_ptr<HostSlots> slots, HostIdentity identity, uint32_t stats_slots)
    : slots_(std::move(slots)),
      slot_(slots_->Take()),
      stats_slots_(stats_slots),
      identity_(std::move(identity)),
      address_text_(identity_.address.ToString()) {}

Host::~Host() {
  for (uint32_t i = 0; i < stats_slots_; ++i) delete FindStats(i);
  delete[] stats_.load(std::memory_order_acquire);
  delete moved_to_.load(std::memory_order_acquire);
  slots_->Return(slot_);
}

net::Address Host::connect_address() const {
  const net::Address* moved_to = moved_to_.load(std::memory_order_acquire);
  if (moved_to == nullptr) return identity_.address;
  const std::lock_guard lock(MovedMutex());
  return *moved_to;
}

void Host::MoveTo(const net::Address& address) const {
  net::Address* const moved_to = moved_to_.load(std::memory_order_relaxed);
  if (moved_to == nullptr) {
    moved_to_.store(new net::Address(address), std::memory_order_release);
    return;
  }
  const std::lock_guard lock(MovedMutex());
  *moved_to = address;
}

HostStats& Host::MakeStats(telemetry::StatsSlot slot) const {
  StatsBySlot* stats = stats_.load(std::memory_order_acquire);
  if (stats == nullptr) {
    auto made = std::make_unique<StatsBySlot[]>(stats_slots_);
    // Where another thread was first, its array is used.
    if (stats_.compare_exchange_strong(stats, made.get(), std::memory_order_acq_rel)) stats = made.release();
  }
  auto* own = new HostStats();
  stats[slot].store(own, std::memory_order_release);
  return *own;
}

HostStatsTotal Host::TotalStats() const {
  HostStatsTotal total;
  // Gauges of single threads may be negative.
  int64_t cx_active = 0;
  int64_t rq_active = 0;
  for (uint32_t i = 0; i < stats_slots_; ++i) {
    const HostStats* stats = FindStats(i);
    if (stats == nullptr) continue;
    total.cx_total += stats->cx_total.value();
    total.cx_connect_fail += stats->cx_connect_fail.value();
    cx_active += stats->cx_active.value();
    total.rq_total += stats->rq_total.value();
    rq_active += stats->rq_active.value();
    total.rq_success += stats->rq_success.value();
    total.rq_error += stats->rq_error.value();
    total.rq_timeout += stats->rq_timeout.value();
  }
  total.cx_active = cx_active > 0 ? static_cast<uint64_t>(cx_active) : 0;
  total.rq_active = rq_active > 0 ? static_cast<uint64_t>(rq_active) : 0;
  return total;
}

}  // namespace nuncio::upstream
