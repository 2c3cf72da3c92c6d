#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "source/matcher/metadata.h"
#include "source/net/address.h"
#include "source/telemetry/counter.h"
#include "source/telemetry/scope.h"
#include "source/upstream/locality.h"

namespace nuncio::upstream {

// What one thread counted of one host. Written by that thread alone. The names are those that /clusters shows.
struct alignas(64) HostStats {
  telemetry::Counter cx_total;
  telemetry::Counter cx_connect_fail;
  telemetry::Gauge cx_active;
  telemetry::Counter rq_total;
  telemetry::Gauge rq_active;
  telemetry::Counter rq_success;  // Answers other than 5xx; of gRPC, statuses that are not the server's fault.
  telemetry::Counter rq_error;    // The others, resets and failed connects.
  telemetry::Counter rq_timeout;
};

struct HostStatsTotal {
  uint64_t cx_total = 0;
  uint64_t cx_connect_fail = 0;
  uint64_t cx_active = 0;
  uint64_t rq_total = 0;
  uint64_t rq_active = 0;
  uint64_t rq_success = 0;
  uint64_t rq_error = 0;
  uint64_t rq_timeout = 0;
};

// Small numbers for the hosts of one cluster, so that what a worker keeps by host is an array. A number is given out
// again once the host that had it is gone, that is, when no thread can hold anything under it. Any thread.
class HostSlots {
 public:
  uint32_t Take();
  void Return(uint32_t slot);
  // No slot given out so far is as high as this.
  uint32_t limit() const;

 private:
  // Guarded by a mutex, one for the slots of all clusters.
  std::vector<uint32_t> free_;
  uint32_t limit_ = 0;
};

// What makes a host that one; a change of any of it makes another host. Weight and health are said by the host set.
struct HostIdentity {
  net::Address address;
  // For auto_host_rewrite and the admin interface; may be empty.
  std::string hostname;
  Locality locality;
  // Null: none.
  std::shared_ptr<const matcher::Metadata> metadata;
};

// An endpoint of a cluster. Shared by all threads and by successive host sets; immutable but for its statistics and,
// where it is the host of a LOGICAL_DNS cluster, the address that new connections go to. Whoever keeps a host beyond
// the event in which it was picked keeps a shared_ptr (shared_from_this), as a pool does for its streams.
class Host : public std::enable_shared_from_this<Host> {
 public:
  // `stats_slots`: the number of threads that may count, main included.
  Host(std::shared_ptr<HostSlots> slots, HostIdentity identity, uint32_t stats_slots);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  ~Host();

  const net::Address& address() const { return identity_.address; }
  const std::string& hostname() const { return identity_.hostname; }
  const Locality& locality() const { return identity_.locality; }
  const matcher::Metadata* metadata() const { return identity_.metadata.get(); }
  const HostIdentity& identity() const { return identity_; }
  // Text of address().
  const std::string& address_text() const { return address_text_; }
  // Unique among the living hosts of the cluster, below HostSlots::limit().
  uint32_t slot() const { return slot_; }

  // Where a new connection goes: address(), but for a LOGICAL_DNS host the first of the latest answer. Any thread.
  net::Address connect_address() const;
  // Main only. Makes connect_address() differ from address() from now on.
  void MoveTo(const net::Address& address) const;

  // The counters of the calling thread, made when first asked for.
  HostStats& stats(telemetry::StatsSlot slot) const {
    HostStats* stats = FindStats(slot);
    return stats != nullptr ? *stats : MakeStats(slot);
  }
  // Requests of the calling thread that are under way to this host.
  uint64_t active_requests(telemetry::StatsSlot slot) const {
    const HostStats* stats = FindStats(slot);
    return stats != nullptr ? static_cast<uint64_t>(stats->rq_active.value()) : 0;
  }
  // Sum over all threads. Any thread.
  HostStatsTotal TotalStats() const;

 private:
  using StatsBySlot = std::atomic<HostStats*>;

  HostStats* FindStats(telemetry::StatsSlot slot) const {
    const StatsBySlot* stats = stats_.load(std::memory_order_acquire);
    return stats != nullptr ? stats[slot].load(std::memory_order_acquire) : nullptr;
  }
  HostStats& MakeStats(telemetry::StatsSlot slot) const;

  // Constant after construction.
  const std::shared_ptr<HostSlots> slots_;
  const uint32_t slot_;
  const uint32_t stats_slots_;
  const HostIdentity identity_;
  const std::string address_text_;

  // An array by slot, made by the first thread that counts; each element is written by its thread, once.
  mutable std::atomic<StatsBySlot*> stats_{nullptr};

  // Null where it was never moved. What it points to is guarded by a mutex.
  mutable std::atomic<net::Address*> moved_to_{nullptr};
};

using HostPtr = std::shared_ptr<const Host>;

}  // namespace nuncio::upstream
