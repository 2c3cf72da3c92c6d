#pragma once

#include <atomic>
#include <cstdint>

namespace nuncio::listener {

// Most downstream connections of the process at once. Any thread; touched once per connection, never per request.
class ConnectionLimit {
 public:
  // 0: no limit.
  void SetMax(uint64_t max) { max_.store(max, std::memory_order_relaxed); }
  bool Take() {
    const uint64_t max = max_.load(std::memory_order_relaxed);
    if (active_.fetch_add(1, std::memory_order_relaxed) < max || max == 0) return true;
    active_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  // Takes one whatever the limit.
  void ForceTake() { active_.fetch_add(1, std::memory_order_relaxed); }
  void Return() { active_.fetch_sub(1, std::memory_order_relaxed); }
  uint64_t active() const { return active_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> max_{0};
  std::atomic<uint64_t> active_{0};
};

}  // namespace nuncio::listener
