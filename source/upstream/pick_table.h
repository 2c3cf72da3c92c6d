#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "source/base/rarely.h"

// What balancers look up, computed before it is published: a worker adds cursors and counts only. Immutable.
namespace nuncio::upstream {

class Host;

// An order of turns in which every index stands as often as its weight says, spread evenly.
class Schedule {
 public:
  Schedule() = default;
  // Exact while the weights, divided by their common divisor, add up to no more than the larger of kExactTurns and 16
  // per index; beyond that weights are scaled down to so many turns, every weight above 0 keeping one at least. Weights
  // of 0 get no turn.
  explicit Schedule(std::span<const uint32_t> weights);

  static constexpr uint64_t kExactTurns = 16384;

  bool empty() const { return turns_.empty(); }
  size_t size() const { return turns_.size(); }
  uint32_t At(uint64_t cursor) const { return turns_[cursor % turns_.size()]; }

 private:
  std::vector<uint32_t> turns_;
};

// Chooses an index at random by weight in constant time (Walker's alias method).
class AliasTable {
 public:
  AliasTable() = default;
  // Weights of 0 are never chosen. Not all of them may be 0.
  explicit AliasTable(std::span<const uint32_t> weights);

  bool empty() const { return cells_.empty(); }
  uint32_t Pick(uint64_t random) const {
    // The upper half chooses the cell, the lower one the side of it.
    const uint64_t cell = ((random >> 32) * cells_.size()) >> 32;
    const Cell& c = cells_[cell];
    return static_cast<uint32_t>(random) <= c.own_limit ? static_cast<uint32_t>(cell) : c.other;
  }

 private:
  struct Cell {
    uint32_t own_limit;  // The cell's own index is chosen up to this.
    uint32_t other;
  };
  std::vector<Cell> cells_;
};

// Weights that differ, and what the cluster's policy needs of them: turns for round robin, aliases for random.
struct PickWeights {
  // By host.
  std::vector<uint32_t> weights;
  Schedule schedule;
  AliasTable alias;
};

// Hosts among which one is chosen. The hosts are kept alive by the host set that the table stands in.
struct PickTable {
  std::vector<const Host*> hosts;
  // The default where the weights of all are equal.
  Rarely<PickWeights> by_weight;
};

}  // namespace nuncio::upstream
