#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace nuncio::telemetry {

// A number that only grows. One thread writes it, the owner of the slot of its block; any thread may read. No
// read-modify-write: an increment is a load, an add and a store.
class Counter {
 public:
  void Inc() { Add(1); }
  void Add(uint64_t by) { word_.store(word_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed); }
  // What this one shard has counted.
  uint64_t value() const { return word_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> word_{0};
};

// A number that goes up and down. What is shown is the sum over the shards, so a shard may well be negative: a
// connection counted in by one worker and out by main adds up. The lowest bit says whether the gauge was ever written.
// 63 bits.
class Gauge {
 public:
  void Inc() { Add(1); }
  void Dec() { Add(-1); }
  void Add(int64_t by) { Store(value() + by); }
  void Sub(int64_t by) { Store(value() - by); }
  // Sets this shard's part. A gauge that is set belongs to one writer, as a rule main.
  void Set(int64_t to) { Store(to); }
  int64_t value() const { return static_cast<int64_t>(word_.load(std::memory_order_relaxed)) >> 1; }
  bool used() const { return word_.load(std::memory_order_relaxed) != 0; }

 private:
  void Store(int64_t value) {
    word_.store((static_cast<uint64_t>(value) << 1) | 1, std::memory_order_relaxed);
  }

  std::atomic<uint64_t> word_{0};
};

// A text among the statistics. Main writes and reads it, in slot 0; shards of other slots stay empty.
class TextReadout {
 public:
  void Set(std::string_view text) { text_ = text; }
  const std::string& value() const { return text_; }

 private:
  std::string text_;
};

}  // namespace nuncio::telemetry
