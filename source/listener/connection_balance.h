#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "source/base/clock.h"

namespace nuncio::listener {

// Spreads a listener's connections over the workers. The kernel deals them out by a hash of their addresses: many come
// out even, a few long ones do not, and some workers idle while others are full. So a worker that accepts one although
// another has fewer hands it over. One per listener, over all its updates. Any thread; touched once or twice per
// connection, never per request.
class ConnectionBalance {
 public:
  enum class Aim : uint8_t {
    kEvenEnough,  // A worker keeps what it accepted while it has no more than an eighth above the fewest.
    kExact,       // It never keeps what another one with fewer could have.
  };
  // With kEvenEnough each worker hands over at most this many a second, and as many at once: where connections come
  // faster they are short, and it matters little who serves them.
  static constexpr uint32_t kMostPerSecond = 1000;

  explicit ConnectionBalance(size_t workers) : shards_(workers) {}

  // Who is to serve the connection that `worker` accepted at `now`: one of those with the fewest where that is worth
  // the way, else itself. Counts it there.
  size_t Choose(size_t worker, MonotonicTime now, Aim aim);
  // Of a connection counted for `worker`.
  void OnClosed(size_t worker) { shards_[worker].connections.fetch_sub(1, std::memory_order_relaxed); }
  uint32_t connections(size_t worker) const { return shards_[worker].connections.load(std::memory_order_relaxed); }

 private:
  struct alignas(64) Shard {
    std::atomic<uint32_t> connections{0};
    // The worker's own: how many it may still hand over, as of when.
    uint32_t left = kMostPerSecond;
    MonotonicTime counted{};
  };
  bool MayHandOver(Shard& shard, MonotonicTime now);

  std::vector<Shard> shards_;
};

}  // namespace nuncio::listener
