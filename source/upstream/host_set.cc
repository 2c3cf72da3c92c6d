#include "source/upstream/host_set.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace nuncio::upstream {
namespace {

enum class Availability : uint8_t { kHealthy, kDegraded, kNone };

Availability AvailabilityOf(HealthStatus health) {
  switch (health) {
    case HealthStatus::kUnknown:
    case HealthStatus::kHealthy:
      return Availability::kHealthy;
    case HealthStatus::kDegraded:
      return Availability::kDegraded;
    case HealthStatus::kUnhealthy:
    case HealthStatus::kDraining:
    case HealthStatus::kTimeout:
      return Availability::kNone;
  }
  return Availability::kNone;
}

// Which hosts of a priority make a table.
enum class Selection : uint8_t { kHealthy, kDegraded, kAll };

bool Selected(Selection selection, HealthStatus health) {
  switch (selection) {
    case Selection::kAll:
      return true;
    case Selection::kHealthy:
      return AvailabilityOf(health) == Availability::kHealthy;
    case Selection::kDegraded:
      return AvailabilityOf(health) == Availability::kDegraded;
  }
  return false;
}

struct Counts {
  uint32_t total = 0;
  uint32_t healthy = 0;
  uint32_t degraded = 0;

  uint32_t Of(Selection selection) const {
    return selection == Selection::kAll ? total : selection == Selection::kHealthy ? healthy : degraded;
  }
};

struct Priority {
  std::vector<const LocalityHosts*> localities;
  std::vector<Counts> locality_counts;
  Counts counts;
};

// Hands out up to `total` percent over the priorities in order, each getting its availability as a share of
// `normal`. Returns what is left; `first` is set to the first priority that has any.
uint32_t Distribute(const std::vector<uint32_t>& availability, uint32_t total, uint32_t normal,
                    std::vector<uint32_t>& load, int& first) {
  first = -1;
  for (size_t i = 0; i < availability.size(); ++i) {
    if (first < 0 && availability[i] > 0) first = static_cast<int>(i);
    load[i] = std::min(total, availability[i] * 100 / normal);
    total -= load[i];
  }
  return total;
}

}  // namespace

struct HostSet::Builder {
  HostSet& set;
  const LoadBalancerConfig& config;
  std::vector<Priority> priorities = {};
  std::array<uint16_t, 100> target_by_percent = {};

  void Count();
  void DistributeLoad();
  void DistributeByHosts();
  bool InPanic(const Priority& priority) const;
  void MakeTargets();
  void AddTarget(uint32_t priority, Selection selection, bool panic, uint32_t load, uint32_t& percent_at);
  void FillByLocality(const Priority& priority, Selection selection, Target& target) const;
  void FillTable(PickTable& table, Selection selection, std::span<const LocalityHosts* const> localities) const;
};

void HostSet::Builder::Count() {
  for (const LocalityHosts& locality : set.localities_) {
    if (locality.priority >= priorities.size()) priorities.resize(locality.priority + 1);
    Counts counts;
    for (const HostChunkPtr& chunk : locality.chunks) {
      for (const HostEntry& entry : chunk->entries) {
        const Availability availability = AvailabilityOf(entry.health);
        ++counts.total;
        counts.healthy += availability == Availability::kHealthy;
        counts.degraded += availability == Availability::kDegraded;
        set.membership_.max_weight = std::max(set.membership_.max_weight, entry.weight);
      }
    }
    Priority& priority = priorities[locality.priority];
    priority.localities.push_back(&locality);
    priority.locality_counts.push_back(counts);
    priority.counts.total += counts.total;
    priority.counts.healthy += counts.healthy;
    priority.counts.degraded += counts.degraded;
    set.membership_.total += counts.total;
    set.membership_.healthy += counts.healthy;
    set.membership_.degraded += counts.degraded;
  }
}

bool HostSet::Builder::InPanic(const Priority& priority) const {
  if (priority.counts.total == 0) return 0.0 < config.panic_threshold;
  const double available = 100.0 * (priority.counts.healthy + priority.counts.degraded) / priority.counts.total;
  return available < config.panic_threshold;
}

// A priority's health is the share of its available hosts times the overprovisioning factor, at most 100. Load goes to
// the healthy hosts of the priorities in order, what is left to the degraded ones, as upstream's documentation on
// priority levels, degraded endpoints and the panic threshold has it.
void HostSet::Builder::DistributeLoad() {
  const size_t n = priorities.size();
  std::vector<uint32_t> health(n);
  std::vector<uint32_t> degraded(n);
  uint32_t normal = 0;
  for (size_t i = 0; i < n; ++i) {
    const Counts& counts = priorities[i].counts;
    if (counts.total == 0) continue;
    const auto share = [&](uint32_t hosts) {
      return static_cast<uint32_t>(
          std::min<uint64_t>(100, uint64_t{set.overprovisioning_factor_} * hosts / counts.total));
    };
    health[i] = share(counts.healthy);
    degraded[i] = share(counts.degraded);
    normal = std::min<uint32_t>(100, normal + health[i] + degraded[i]);
  }
  set.priority_loads_.resize(n);
  if (normal == 0) {
    if (config.panic_threshold > 0) DistributeByHosts();
    return;
  }
  std::vector<uint32_t> load(n);
  std::vector<uint32_t> degraded_load(n);
  int first = -1;
  int first_degraded = -1;
  uint32_t left = Distribute(health, 100, normal, load, first);
  left = Distribute(degraded, left, normal, degraded_load, first_degraded);
  // What is left now is rounding.
  if (first >= 0) {
    load[first] += left;
  } else {
    degraded_load[first_degraded] += left;
  }
  bool all_in_panic = true;
  for (size_t i = 0; i < n; ++i) {
    // While all priorities together suffice, none is in panic, however few of its hosts are healthy.
    const bool panic = normal < 100 && InPanic(priorities[i]);
    all_in_panic = all_in_panic && panic;
    set.priority_loads_[i] = {load[i], degraded_load[i], panic};
  }
  if (all_in_panic) DistributeByHosts();
}

// With every priority in panic, load follows the number of hosts.
void HostSet::Builder::DistributeByHosts() {
  uint32_t left = 100;
  int first = -1;
  for (size_t i = 0; i < priorities.size(); ++i) {
    const uint32_t hosts = priorities[i].counts.total;
    if (first < 0 && hosts > 0) first = static_cast<int>(i);
    const uint32_t load =
        set.membership_.total == 0 ? 0 : static_cast<uint32_t>(uint64_t{100} * hosts / set.membership_.total);
    set.priority_loads_[i] = {load, 0, true};
    left -= load;
  }
  if (first >= 0) set.priority_loads_[first].healthy += left;
}

void HostSet::Builder::MakeTargets() {
  uint32_t percent_at = 0;
  for (uint32_t i = 0; i < priorities.size(); ++i) {
    const PriorityLoad& load = set.priority_loads_[i];
    AddTarget(i, load.panic ? Selection::kAll : Selection::kHealthy, load.panic, load.healthy, percent_at);
  }
  for (uint32_t i = 0; i < priorities.size(); ++i) {
    const PriorityLoad& load = set.priority_loads_[i];
    AddTarget(i, load.panic ? Selection::kAll : Selection::kDegraded, load.panic, load.degraded, percent_at);
  }
  if (set.targets_.size() > 1) set.target_by_percent_.assign(target_by_percent.begin(), target_by_percent.end());
}

void HostSet::Builder::AddTarget(uint32_t priority, Selection selection, bool panic, uint32_t load,
                                 uint32_t& percent_at) {
  const Priority& from = priorities[priority];
  if (load == 0 || from.counts.Of(selection) == 0) return;
  const auto index = static_cast<uint16_t>(set.targets_.size());
  for (uint32_t i = 0; i < load && percent_at < 100; ++i) target_by_percent[percent_at++] = index;
  Target target;
  target.priority = priority;
  target.panic = panic;
  target.degraded = selection == Selection::kDegraded;
  target.first_table = set.table_count_;
  if (config.locality_weighted && !panic) FillByLocality(from, selection, target);
  if (target.tables.empty()) FillTable(target.tables.emplace_back(), selection, from.localities);
  set.table_count_ += static_cast<uint32_t>(target.tables.size());
  set.targets_.push_back(std::move(target));
}

// A locality's weight is scaled by the availability of its hosts, overprovisioned like that of a priority. Where no
// locality has a weight, the target stays without tables.
void HostSet::Builder::FillByLocality(const Priority& priority, Selection selection, Target& target) const {
  std::vector<double> weights(priority.localities.size());
  double most = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const Counts& counts = priority.locality_counts[i];
    if (counts.total == 0) continue;
    const double available = static_cast<double>(counts.Of(selection)) / counts.total;
    weights[i] = priority.localities[i]->weight * std::min(1.0, available * set.overprovisioning_factor_ / 100.0);
    most = std::max(most, weights[i]);
  }
  if (most == 0) return;
  bool whole = true;
  for (const double weight : weights) whole = whole && weight == std::floor(weight);
  // Fractions keep their proportions as whole numbers of four digits or more.
  const double scale = whole ? 1.0 : std::max(10000.0 / most, 1.0);
  std::vector<uint32_t> turns;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0) continue;
    turns.push_back(static_cast<uint32_t>(std::clamp(std::round(weights[i] * scale), 1.0, 4294967295.0)));
    FillTable(target.tables.emplace_back(), selection, {&priority.localities[i], 1});
  }
  if (target.tables.size() > 1) target.localities = Schedule(turns);
}

void HostSet::Builder::FillTable(PickTable& table, Selection selection,
                                 std::span<const LocalityHosts* const> localities) const {
  bool equal = true;
  size_t most = 0;
  for (const LocalityHosts* locality : localities) most += locality->size;
  table.hosts.reserve(most);
  std::vector<uint32_t> weights;
  weights.reserve(most);
  for (const LocalityHosts* locality : localities) {
    for (const HostChunkPtr& chunk : locality->chunks) {
      for (const HostEntry& entry : chunk->entries) {
        if (!Selected(selection, entry.health)) continue;
        equal = equal && (weights.empty() || weights.front() == entry.weight);
        table.hosts.push_back(entry.host.get());
        weights.push_back(entry.weight);
      }
    }
  }
  if (equal) return;
  PickWeights& by_weight = table.by_weight.Own();
  by_weight.weights = std::move(weights);
  switch (config.policy) {
    case LoadBalancerConfig::Policy::kRoundRobin:
      by_weight.schedule = Schedule(by_weight.weights);
      return;
    case LoadBalancerConfig::Policy::kRandom:
      by_weight.alias = AliasTable(by_weight.weights);
      return;
    case LoadBalancerConfig::Policy::kLeastRequest:
      return;
  }
}

std::shared_ptr<const HostSet> HostSet::Create(std::vector<LocalityHosts> localities, uint32_t overprovisioning_factor,
                                               const LoadBalancerConfig& balancer) {
  struct Made final : HostSet {};
  const std::shared_ptr<HostSet> set = std::make_shared<Made>();
  set->localities_ = std::move(localities);
  set->overprovisioning_factor_ = overprovisioning_factor;
  Builder builder{*set, balancer};
  builder.Count();
  builder.DistributeLoad();
  builder.MakeTargets();
  return set;
}

std::shared_ptr<const HostSet> HostSet::Empty() {
  static const std::shared_ptr<const HostSet> empty(new HostSet());
  return empty;
}

}  // namespace nuncio::upstream
