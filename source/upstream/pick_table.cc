#include "source/upstream/pick_table.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace nuncio::upstream {
namespace {

// How many turns each index gets.
std::vector<uint32_t> TurnCounts(std::span<const uint32_t> weights) {
  std::vector<uint32_t> counts(weights.begin(), weights.end());
  uint32_t divisor = 0;
  for (const uint32_t weight : weights) divisor = std::gcd(divisor, weight);
  if (divisor == 0) return counts;
  uint64_t sum = 0;
  for (uint32_t& count : counts) sum += count /= divisor;
  const uint64_t most = std::max(Schedule::kExactTurns, uint64_t{16} * weights.size());
  if (sum <= most) return counts;
  const double scale = static_cast<double>(most) / static_cast<double>(sum);
  for (uint32_t& count : counts) {
    if (count > 0) count = static_cast<uint32_t>(std::max(1.0, std::round(count * scale)));
  }
  return counts;
}

}  // namespace

Schedule::Schedule(std::span<const uint32_t> weights) {
  const std::vector<uint32_t> counts = TurnCounts(weights);
  const uint64_t total = std::accumulate(counts.begin(), counts.end(), uint64_t{0});
  if (total == 0) return;
  // Of an index's n turns the k-th is due at (k + phase) / n of the period. The phases of those with equally many turns
  // are spread evenly, so that they do not come in a bunch.
  absl::flat_hash_map<uint32_t, std::pair<uint32_t, uint32_t>> seen_and_all;
  for (const uint32_t count : counts) ++seen_and_all[count].second;
  std::vector<double> phases;
  phases.reserve(counts.size());
  for (const uint32_t count : counts) {
    auto& [seen, all] = seen_and_all[count];
    phases.push_back((seen++ + 0.5) / all);
  }
  // Sorted by counting: as many buckets as turns, so that the cost stays linear.
  const auto bucket = [&](uint32_t i, uint32_t k) {
    const double due = (k + phases[i]) / counts[i] * static_cast<double>(total);
    return std::min(static_cast<size_t>(due), static_cast<size_t>(total - 1));
  };
  std::vector<uint32_t> begins(total + 1);
  for (uint32_t i = 0; i < counts.size(); ++i) {
    for (uint32_t k = 0; k < counts[i]; ++k) ++begins[bucket(i, k) + 1];
  }
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  turns_.resize(total);
  for (uint32_t i = 0; i < counts.size(); ++i) {
    for (uint32_t k = 0; k < counts[i]; ++k) turns_[begins[bucket(i, k)]++] = i;
  }
}

AliasTable::AliasTable(std::span<const uint32_t> weights) {
  const double sum = static_cast<double>(std::accumulate(weights.begin(), weights.end(), uint64_t{0}));
  const size_t n = weights.size();
  std::vector<double> share(n);
  std::vector<uint32_t> small;
  std::vector<uint32_t> large;
  for (uint32_t i = 0; i < n; ++i) {
    share[i] = static_cast<double>(weights[i]) * static_cast<double>(n) / sum;
    (share[i] < 1.0 ? small : large).push_back(i);
  }
  cells_.resize(n);
  for (uint32_t i = 0; i < n; ++i) cells_[i] = {UINT32_MAX, i};
  while (!small.empty() && !large.empty()) {
    const uint32_t low = small.back();
    const uint32_t high = large.back();
    small.pop_back();
    cells_[low] = {static_cast<uint32_t>(share[low] * 4294967295.0), high};
    share[high] -= 1.0 - share[low];
    if (share[high] < 1.0) {
      large.pop_back();
      small.push_back(high);
    }
  }
  // Rounding may leave a weight of 0 without a partner's share.
  const uint32_t heaviest = static_cast<uint32_t>(std::max_element(weights.begin(), weights.end()) - weights.begin());
  for (uint32_t i = 0; i < n; ++i) {
    if (weights[i] == 0 && cells_[i].other == i) cells_[i] = {0, heaviest};
  }
}

}  // namespace nuncio::upstream
