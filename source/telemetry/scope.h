#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "source/base/rarely.h"
#include "source/telemetry/block.h"
#include "source/telemetry/scope_name.h"

namespace nuncio::telemetry {

class StatsStore;

// Which thread writes: 0 is main, worker n has slot n + 1.
using StatsSlot = uint32_t;
inline constexpr StatsSlot kMainSlot = 0;
// The thread that writes access logs to their files.
inline constexpr StatsSlot kLogWriterSlot = 0xffffffff;
constexpr StatsSlot WorkerSlot(uint32_t worker) { return worker + 1; }

// A statistic as main sees it: the sum over all shards. Views live as long as the visit that hands them out.
struct StatView {
  const StatField& field;
  StatKind kind;           // kCounter, kGauge, kHistogram or kText: codes are shown as counters
  std::string_view block;  // the block's prefix
  uint16_t family;         // with `index` and `code` a stable handle within the scope
  uint16_t index;
  int16_t code;            // 0, or a status code 100..599, or a class of them 1..5
  bool used;               // was ever written
  int64_t value;           // of counters and gauges
  const std::string* text = nullptr;
  const HistogramSnapshot* total = nullptr;     // only where a histogram is read in full
  const HistogramSnapshot* interval = nullptr;  // what came in during the last flush interval

  // The name without the scope's prefix.
  void AppendName(std::string& out) const;
};

// A set of blocks under one prefix. Those who ask the store for the same name share one scope, so counters go on while
// anybody holds it; with the last holder it is gone, from the output as well. Held by whatever the statistics are
// about: a cluster, a listener. Blocks are made when first asked for and stay where they are as long as the scope.
// Those that are only declared show as zero and take a pointer each.
class Scope {
 public:
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // The block that the thread of `slot` writes. Takes a lock and may allocate: keep the reference.
  template <typename Block>
  Block& Get(StatsSlot slot) {
    return *static_cast<Block*>(Shard(Block::Descriptor(), slot));
  }
  // The same of a block whose type is known by its descriptor only.
  void* Get(const BlockDescriptor& descriptor, StatsSlot slot) { return Shard(descriptor, slot); }
  // Shows the statistics of a block, as zero, before anybody writes one.
  template <typename Block>
  void Declare() {
    const BlockDescriptor* const descriptor = &Block::Descriptor();
    Declare({&descriptor, 1});
  }
  void Declare(std::span<const BlockDescriptor* const> descriptors);
  // Sum over the shards: Total(&PoolStats::upstream_cx_active). Any thread.
  template <typename Block>
  uint64_t Total(Counter Block::*member) const {
    uint64_t sum = 0;
    ForEachShard<Block>([&](const Block& block) { sum += (block.*member).value(); });
    return sum;
  }
  template <typename Block>
  int64_t Total(Gauge Block::*member) const {
    int64_t sum = 0;
    ForEachShard<Block>([&](const Block& block) { sum += (block.*member).value(); });
    return sum;
  }

  // The scope of this name, which stands for a part of what this one is about and is kept as long as this one lives.
  // Null where there are `limit` parts already and this would be another. Takes locks and may allocate: keep it.
  std::shared_ptr<Scope> Part(const ScopeName& name, size_t limit);

  const ScopeName& name() const { return name_; }

  // Main only from here on.

  // Calls `visit(const StatView&)` for every statistic. Histograms are read in full where `histograms`, else only
  // whether they were used.
  template <typename Visit>
  void ForEach(bool histograms, Visit&& visit) const {
    const std::lock_guard lock(mutex_);
    for (size_t f = 0; f < families_.size(); ++f) {
      for (size_t i = 0; i < families_[f].descriptor->fields.size(); ++i) Read(f, i, histograms, visit);
    }
  }
  // The same for one statistic, by the handle of an earlier view.
  template <typename Visit>
  void ForOne(uint16_t family, uint16_t index, int16_t code, Visit&& visit) const {
    const std::lock_guard lock(mutex_);
    Read(family, index, true, [&](const StatView& view) {
      if (view.code == code) visit(view);
    });
  }
  // Ends the histograms' interval and begins the next.
  void TurnInterval();
  void ResetCounters();
  // Adds what `slot` has counted to main's shard and frees the slot's blocks. Its thread has ended.
  void Retire(StatsSlot slot);

 private:
  friend class StatsStore;
  struct Registry;
  struct HistogramTimes {
    HistogramSnapshot at_turn;
    HistogramSnapshot interval;
  };
  struct Past {
    // Sums at the last reset, by field; and those of status codes, by field and code.
    std::vector<uint64_t> baseline;
    std::map<std::pair<uint16_t, int16_t>, uint64_t> code_baseline;
    std::map<uint16_t, HistogramTimes> histograms;
  };
  // What there is of a block that somebody asked for.
  struct Shards {
    // Of many there is one, main's.
    absl::InlinedVector<std::pair<StatsSlot, void*>, 1> blocks;
    Rarely<Past> past;
  };
  struct Family {
    const BlockDescriptor* descriptor;
    // Null as long as it is only declared.
    std::unique_ptr<Shards> made;

    const Shards& shards() const { return made != nullptr ? *made : None(); }
    static const Shards& None();
  };

  Scope(std::shared_ptr<Registry> registry, ScopeName name);
  // The scope of this name, a new one where nobody holds it.
  static std::shared_ptr<Scope> Obtain(const std::shared_ptr<Registry>& registry, const ScopeName& name);
  void* Shard(const BlockDescriptor& descriptor, StatsSlot slot);
  // With mutex_ held. Makes the family where there is none.
  Family& Find(const BlockDescriptor& descriptor);
  template <typename Block, typename Visit>
  void ForEachShard(Visit&& visit) const {
    const std::lock_guard lock(mutex_);
    for (const Family& family : families_) {
      if (family.descriptor != &Block::Descriptor()) continue;
      for (const auto& [slot, block] : family.shards().blocks) visit(*static_cast<const Block*>(block));
    }
  }

  template <typename Visit>
  void Read(size_t f, size_t i, bool histograms, Visit&& visit) const;
  static int64_t Sum(const Family& family, size_t index, bool& used);
  static void SumCodes(const Family& family, size_t index, std::vector<std::pair<int16_t, uint64_t>>& out);
  static std::optional<HistogramSnapshot> SumHistogram(const Family& family, size_t index);
  static bool HistogramUsed(const Family& family, size_t index);

  const std::shared_ptr<Registry> registry_;
  const ScopeName name_;
  mutable std::mutex mutex_;
  // Guarded by mutex_; the blocks themselves are written by their slots without it.
  std::vector<Family> families_;
  // Guarded by mutex_. Null where there are none.
  std::unique_ptr<std::set<std::shared_ptr<Scope>>> parts_;
};

using ScopePtr = std::shared_ptr<Scope>;

template <typename Visit>
void Scope::Read(size_t f, size_t i, bool histograms, Visit&& visit) const {
  const Family& family = families_[f];
  const Shards& shards = family.shards();
  const StatField& field = family.descriptor->fields[i];
  StatView view{field, field.kind, family.descriptor->prefix, static_cast<uint16_t>(f), static_cast<uint16_t>(i), 0,
                false, 0};
  switch (field.kind) {
    case StatKind::kCounter:
    case StatKind::kGauge:
      view.value = Sum(family, i, view.used);
      return visit(view);
    case StatKind::kStatusCodes: {
      std::vector<std::pair<int16_t, uint64_t>> codes;
      SumCodes(family, i, codes);
      view.kind = StatKind::kCounter;
      view.used = true;
      for (const auto& [code, count] : codes) {
        view.code = code;
        view.value = static_cast<int64_t>(count);
        visit(view);
      }
      return;
    }
    case StatKind::kText: {
      static const std::string kNone;
      view.text = &kNone;
      for (const auto& [slot, block] : shards.blocks) {
        if (slot == kMainSlot) {
          view.text = &reinterpret_cast<const TextReadout*>(static_cast<const char*>(block) + field.offset)->value();
        }
      }
      view.used = !view.text->empty();
      return visit(view);
    }
    case StatKind::kHistogram: {
      if (!histograms) {
        view.used = HistogramUsed(family, i);
        return visit(view);
      }
      static const HistogramSnapshot kEmpty;
      const auto total = SumHistogram(family, i);
      const auto times = shards.past->histograms.find(static_cast<uint16_t>(i));
      view.used = total.has_value();
      view.total = total.has_value() ? &*total : &kEmpty;
      view.interval = times == shards.past->histograms.end() ? &kEmpty : &times->second.interval;
      return visit(view);
    }
  }
}

}  // namespace nuncio::telemetry
