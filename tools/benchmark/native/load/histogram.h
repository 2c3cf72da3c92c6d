#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace nuncio::benchmark {

// Counts of durations in nanoseconds, each known to 1/64 of itself.
class Histogram {
 public:
  void Add(int64_t nanoseconds) {
    ++counts_[Index(nanoseconds < 0 ? 0 : static_cast<uint64_t>(nanoseconds))];
    ++total_;
  }

  // The duration that `share` of all do not exceed; 0 where there is none.
  int64_t Quantile(double share) const {
    const double wanted = share * static_cast<double>(total_);
    uint64_t passed = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      passed += counts_[i];
      if (counts_[i] > 0 && static_cast<double>(passed) >= wanted) return Value(i);
    }
    return 0;
  }

 private:
  static constexpr int kBits = 6;
  static constexpr uint64_t kSteps = 1 << kBits;

  // Below kSteps the value itself; above, its kBits bits behind the first one, and how far that stands.
  static size_t Index(uint64_t value) {
    if (value < kSteps) return value;
    const int shift = std::bit_width(value) - 1 - kBits;
    return (shift + 1) * kSteps + (value >> shift) - kSteps;
  }
  static int64_t Value(size_t index) {
    if (index < kSteps) return static_cast<int64_t>(index);
    const int shift = static_cast<int>(index / kSteps) - 1;
    return static_cast<int64_t>((index % kSteps + kSteps) << shift);
  }

  std::vector<uint64_t> counts_ = std::vector<uint64_t>((64 - kBits + 1) * kSteps);
  uint64_t total_ = 0;
};

}  // namespace nuncio::benchmark
