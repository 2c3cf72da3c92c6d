#include "source/upstream/load_balancer.h"

#include <algorithm>
#include <cmath>

namespace nuncio::upstream {
namespace {

// The earlier deadline at the front of the heap; of equal ones the lower index, so that order is stable.
constexpr auto kLaterTurn = [](const auto& a, const auto& b) {
  return a.deadline != b.deadline ? a.deadline > b.deadline : a.host > b.host;
};

}  // namespace

LoadBalancer::LoadBalancer(const LoadBalancerConfig& config, Random& random, telemetry::StatsSlot slot,
                           telemetry::ClusterBalancerStats& stats)
    : config_(config), random_(random), slot_(slot), stats_(stats), hosts_(HostSet::Empty().get()) {}

void LoadBalancer::SetHosts(const HostSet& hosts) {
  hosts_ = &hosts;
  const size_t known_tables = tables_.size();
  tables_.resize(hosts.table_count());
  // Workers begin at different places, lest they all send their first requests to the same host.
  for (size_t i = known_tables; i < tables_.size(); ++i) tables_[i].cursor = random_.Next() >> 1;
  const size_t known_targets = locality_cursors_.size();
  locality_cursors_.resize(hosts.targets().size());
  for (size_t i = known_targets; i < locality_cursors_.size(); ++i) locality_cursors_[i] = random_.Next() >> 1;
  for (TableState& state : tables_) state.turns.clear();
}

const Host* LoadBalancer::Pick() {
  if (hosts_->targets().empty()) return nullptr;
  const HostSet::Target& target =
      hosts_->targets().size() == 1 ? hosts_->targets().front() : hosts_->TargetFor(random_.Next());
  if (target.panic) stats_.lb_healthy_panic.Inc();
  uint32_t table = 0;
  if (target.tables.size() > 1) {
    const size_t index = static_cast<size_t>(&target - hosts_->targets().data());
    table = target.localities->At(locality_cursors_[index]++);
  }
  return PickFrom(target.tables[table], tables_[target.first_table + table]);
}

const Host* LoadBalancer::PickFrom(const PickTable& table, TableState& state) {
  const size_t n = table.hosts.size();
  if (n == 1) return table.hosts.front();
  switch (config_.policy) {
    case LoadBalancerConfig::Policy::kRoundRobin:
      if (table.by_weight.is_default()) return table.hosts[state.cursor++ % n];
      return table.hosts[table.by_weight->schedule.At(state.cursor++)];
    case LoadBalancerConfig::Policy::kRandom:
      if (table.by_weight.is_default()) return table.hosts[random_.Below(n)];
      return table.hosts[table.by_weight->alias.Pick(random_.Next())];
    case LoadBalancerConfig::Policy::kLeastRequest:
      return table.by_weight.is_default() ? PickLeastRequest(table) : PickByTurn(table, state);
  }
  return nullptr;
}

const Host* LoadBalancer::PickLeastRequest(const PickTable& table) {
  const size_t n = table.hosts.size();
  const Host* best = nullptr;
  uint64_t least = 0;
  if (config_.full_scan || config_.choice_count >= n) {
    // All are looked at, from a random one on. Of several with the fewest requests each is as likely.
    uint64_t ties = 0;
    for (const Host* host : table.hosts) {
      const uint64_t active = host->active_requests(slot_);
      if (best == nullptr || active < least) {
        best = host;
        least = active;
        ties = 1;
      } else if (active == least && random_.Below(++ties) == 0) {
        best = host;
      }
    }
    return best;
  }
  for (uint32_t i = 0; i < config_.choice_count; ++i) {
    const Host* host = table.hosts[random_.Below(n)];
    const uint64_t active = host->active_requests(slot_);
    if (best == nullptr || active < least) {
      best = host;
      least = active;
    }
  }
  return best;
}

double LoadBalancer::EffectiveWeight(const PickTable& table, uint32_t host) const {
  const double weight = table.by_weight->weights[host];
  if (config_.active_request_bias == 0.0) return weight;
  const double load = static_cast<double>(table.hosts[host]->active_requests(slot_)) + 1.0;
  if (config_.active_request_bias == 1.0) return weight / load;
  // Bounded: a host whose turn a steep bias puts off for ever would not be looked at again when its load is gone.
  return weight * std::max(1.0 / std::pow(load, config_.active_request_bias), 1e-6);
}

const Host* LoadBalancer::PickByTurn(const PickTable& table, TableState& state) {
  if (state.turns.empty()) {
    state.now = 0;
    state.turns.reserve(table.hosts.size());
    for (uint32_t i = 0; i < table.hosts.size(); ++i) {
      // A random place within the first period of each, lest the heavy ones all come first.
      const double phase = static_cast<double>(random_.Next() >> 11) * 0x1p-53;
      state.turns.push_back({phase / EffectiveWeight(table, i), i});
    }
    std::make_heap(state.turns.begin(), state.turns.end(), kLaterTurn);
  }
  std::pop_heap(state.turns.begin(), state.turns.end(), kLaterTurn);
  Turn& turn = state.turns.back();
  const uint32_t picked = turn.host;
  state.now = turn.deadline;
  turn.deadline = state.now + 1.0 / EffectiveWeight(table, picked);
  std::push_heap(state.turns.begin(), state.turns.end(), kLaterTurn);
  return table.hosts[picked];
}

}  // namespace nuncio::upstream
