#include "source/telemetry/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nuncio::telemetry {

namespace histogram_bins {
namespace {
constexpr std::array<uint64_t, 20> kPowersOfTen = [] {
  std::array<uint64_t, 20> powers{};
  uint64_t power = 1;
  for (size_t i = 0; i < powers.size(); ++i) {
    powers[i] = power;
    if (i + 1 < powers.size()) power *= 10;
  }
  return powers;
}();

// Floor of the decimal logarithm; `x` is not 0.
int Log10(uint64_t x) {
  // 1233 / 4096 is the decimal logarithm of 2, a little too large at worst by one.
  const int guess = ((64 - __builtin_clzll(x)) * 1233) >> 12;
  return guess - (x < kPowersOfTen[guess] ? 1 : 0);
}
}  // namespace

int Index(uint64_t value) {
  if (value <= 100) return static_cast<int>(value);
  // The bins are open below and closed above; one less makes them the usual decades.
  const uint64_t x = std::min(value, kMaxValue) - 1;
  const int decade = Log10(x);
  return kFirstBlock + (decade - 2) * kBlock + static_cast<int>(x / kPowersOfTen[decade - 1]) - 10;
}

uint64_t Lowest(int index) {
  if (index < kFirstBlock) return static_cast<uint64_t>(index);
  const int decade = (index - kFirstBlock) / kBlock + 2;
  const int digits = (index - kFirstBlock) % kBlock + 10;
  return static_cast<uint64_t>(digits) * kPowersOfTen[decade - 1] + 1;
}

uint64_t Highest(int index) {
  if (index < kFirstBlock) return static_cast<uint64_t>(index);
  const int decade = (index - kFirstBlock) / kBlock + 2;
  const int digits = (index - kFirstBlock) % kBlock + 10;
  return static_cast<uint64_t>(digits + 1) * kPowersOfTen[decade - 1];
}

}  // namespace histogram_bins

HistogramSnapshot::HistogramSnapshot(Bins bins, uint64_t sum) : bins_(std::move(bins)), sum_(sum) {
  for (const auto& [index, count] : bins_) count_ += count;
}

uint64_t HistogramSnapshot::CountAtOrBelow(double bound) const {
  uint64_t below = 0;
  for (const auto& [index, count] : bins_) {
    if (static_cast<double>(histogram_bins::Highest(index)) > bound) break;
    below += count;
  }
  return below;
}

double HistogramSnapshot::Quantile(double q) const {
  if (empty()) return std::numeric_limits<double>::quiet_NaN();
  const double target = q * static_cast<double>(count_);
  double below = 0;
  for (const auto& [index, count] : bins_) {
    const double in_bin = static_cast<double>(count);
    if (below + in_bin >= target || index == bins_.back().first) {
      const double low = static_cast<double>(histogram_bins::Lowest(index));
      const double high = static_cast<double>(histogram_bins::Highest(index));
      return low + (high - low) * std::clamp((target - below) / in_bin, 0.0, 1.0);
    }
    below += in_bin;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

HistogramSnapshot HistogramSnapshot::Since(const HistogramSnapshot& earlier) const {
  Bins bins;
  auto old = earlier.bins_.begin();
  for (const auto& [index, count] : bins_) {
    while (old != earlier.bins_.end() && old->first < index) ++old;
    const uint64_t before = old != earlier.bins_.end() && old->first == index ? old->second : 0;
    if (count > before) bins.emplace_back(index, count - before);
  }
  return HistogramSnapshot(std::move(bins), sum_ - earlier.sum_);
}

Histogram::~Histogram() {
  Data* data = data_.load(std::memory_order_relaxed);
  if (data == nullptr) return;
  for (auto& block : data->blocks) delete[] block.load(std::memory_order_relaxed);
  delete data;
}

Histogram::Data* Histogram::MakeData() {
  Data* data = new Data;
  data_.store(data, std::memory_order_release);
  return data;
}

Histogram::Word* Histogram::MakeBlock(Data& data, int block) {
  Word* bins = new Word[BlockSize(block)]();
  data.blocks[block].store(bins, std::memory_order_release);
  return bins;
}

bool Histogram::AddTo(uint64_t* dense, uint64_t& sum) const {
  const Data* data = data_.load(std::memory_order_acquire);
  if (data == nullptr) return false;
  for (int block = 0; block < histogram_bins::kBlocks; ++block) {
    const Word* bins = data->blocks[block].load(std::memory_order_acquire);
    if (bins == nullptr) continue;
    uint64_t* to = dense + BlockStart(block);
    for (int i = 0; i < BlockSize(block); ++i) to[i] += bins[i].load(std::memory_order_relaxed);
  }
  sum += data->sum.load(std::memory_order_relaxed);
  return true;
}

void Histogram::Absorb(const Histogram& other) {
  const Data* from = other.data_.load(std::memory_order_acquire);
  if (from == nullptr) return;
  Data* to = data_.load(std::memory_order_relaxed);
  if (to == nullptr) to = MakeData();
  for (int block = 0; block < histogram_bins::kBlocks; ++block) {
    const Word* bins = from->blocks[block].load(std::memory_order_acquire);
    if (bins == nullptr) continue;
    Word* mine = to->blocks[block].load(std::memory_order_relaxed);
    if (mine == nullptr) mine = MakeBlock(*to, block);
    for (int i = 0; i < BlockSize(block); ++i) Bump(mine[i], bins[i].load(std::memory_order_relaxed));
  }
  Bump(to->sum, from->sum.load(std::memory_order_relaxed));
}

}  // namespace nuncio::telemetry
