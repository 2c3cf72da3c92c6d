#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

namespace nuncio::telemetry {

// Log-linear bins with two significant decimal digits: bin 0 is the value 0, then one bin for each of 1..100, then 90
// per power of ten, (d, d+1] times ten to the n. A bin is at most 10 % wide, and every bound with two significant
// digits is the upper end of a bin, so that cumulative counts at such bounds (Prometheus' `le`) are exact.
namespace histogram_bins {
inline constexpr int kFirstBlock = 101;
inline constexpr int kBlock = 90;
inline constexpr int kBlocks = 15;
inline constexpr int kCount = kFirstBlock + (kBlocks - 1) * kBlock;
// Larger values count as this one.
inline constexpr uint64_t kMaxValue = 10'000'000'000'000'000;

int Index(uint64_t value);
// The smallest and the largest value that fall into a bin.
uint64_t Lowest(int index);
uint64_t Highest(int index);
}  // namespace histogram_bins

// A distribution, summed over shards. Belongs to main or to whoever took it.
class HistogramSnapshot {
 public:
  // Bins with their counts, ascending, none empty.
  using Bins = std::vector<std::pair<uint16_t, uint64_t>>;

  HistogramSnapshot() = default;
  HistogramSnapshot(Bins bins, uint64_t sum);

  uint64_t count() const { return count_; }
  uint64_t sum() const { return sum_; }
  bool empty() const { return count_ == 0; }
  const Bins& bins() const { return bins_; }
  // How many values are at or below `bound`. Exact for bounds with two significant digits, else rounded down to a bin.
  uint64_t CountAtOrBelow(double bound) const;
  // The value below which a share `q` (0..1) of the values lies, interpolated within its bin. NaN where empty.
  double Quantile(double q) const;
  // What came in since `earlier`, an earlier snapshot of the same histogram.
  HistogramSnapshot Since(const HistogramSnapshot& earlier) const;

 private:
  Bins bins_;
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
};

// One shard of a distribution of whole numbers; the unit is in the name of the statistic or its documentation
// (milliseconds where nothing is said). Empty it is one pointer. Record allocates when a power of ten is seen for the
// first time, never after. One writer; main reads at any time.
class Histogram {
 public:
  Histogram() = default;
  Histogram(const Histogram&) = delete;
  Histogram& operator=(const Histogram&) = delete;
  ~Histogram();

  void Record(uint64_t value) {
    const int index = histogram_bins::Index(value);
    const int block =
        index < histogram_bins::kFirstBlock ? 0 : 1 + (index - histogram_bins::kFirstBlock) / histogram_bins::kBlock;
    Data* data = data_.load(std::memory_order_relaxed);
    if (data == nullptr) [[unlikely]] data = MakeData();
    Word* bins = data->blocks[block].load(std::memory_order_relaxed);
    if (bins == nullptr) [[unlikely]] bins = MakeBlock(*data, block);
    Bump(bins[index - BlockStart(block)], 1);
    Bump(data->sum, value < histogram_bins::kMaxValue ? value : histogram_bins::kMaxValue);
  }

  bool used() const { return data_.load(std::memory_order_acquire) != nullptr; }
  // Adds this shard's counts to `dense`, an array of histogram_bins::kCount, and its sum to `sum`. False where nothing
  // was ever recorded.
  bool AddTo(uint64_t* dense, uint64_t& sum) const;
  // Takes over what another shard has counted. On this shard's writer, when the other one has no writer any more.
  void Absorb(const Histogram& other);

 private:
  using Word = std::atomic<uint64_t>;
  struct Data {
    Word sum{0};
    std::array<std::atomic<Word*>, histogram_bins::kBlocks> blocks{};
  };
  static int BlockStart(int block) {
    return block == 0 ? 0 : histogram_bins::kFirstBlock + (block - 1) * histogram_bins::kBlock;
  }
  static int BlockSize(int block) { return block == 0 ? histogram_bins::kFirstBlock : histogram_bins::kBlock; }
  static void Bump(Word& word, uint64_t by) {
    word.store(word.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  Data* MakeData();
  Word* MakeBlock(Data& data, int block);

  std::atomic<Data*> data_{nullptr};
};

}  // namespace nuncio::telemetry
