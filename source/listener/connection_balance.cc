#include "source/listener/connection_balance.h"

#include <algorithm>
#include <chrono>

namespace nuncio::listener {

size_t ConnectionBalance::Choose(size_t worker, MonotonicTime now, Aim aim) {
  size_t least = worker;
  uint32_t fewest = connections(worker);
  const uint32_t tolerated = fewest / 8;
  for (size_t i = 0; i < shards_.size(); ++i) {
    // After this one first, so that several workers do not all choose the same.
    const size_t other = (worker + i) % shards_.size();
    const uint32_t count = connections(other);
    if (count < fewest) {
      least = other;
      fewest = count;
    }
  }
  if (least != worker && aim == Aim::kEvenEnough &&
      (connections(worker) <= fewest + tolerated || !MayHandOver(shards_[worker], now))) {
    least = worker;
  }
  shards_[least].connections.fetch_add(1, std::memory_order_relaxed);
  return least;
}

bool ConnectionBalance::MayHandOver(Shard& shard, MonotonicTime now) {
  const auto elapsed = std::min<Duration>(now - shard.counted, std::chrono::seconds(1));
  const auto earned = elapsed * int64_t{kMostPerSecond} / Duration(std::chrono::seconds(1));
  if (earned > 0) {
    shard.left = std::min<uint32_t>(kMostPerSecond, shard.left + static_cast<uint32_t>(earned));
    shard.counted = now;
  }
  if (shard.left == 0) return false;
  --shard.left;
  return true;
}

}  // namespace nuncio::listener
