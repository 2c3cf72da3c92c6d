#include "source/telemetry/scope.h"

#include <algorithm>

#include "source/base/strings.h"
#include "source/telemetry/registry.h"

namespace nuncio::telemetry {
namespace {

template <typename T>
const T& At(const void* block, const StatField& field) {
  return *reinterpret_cast<const T*>(static_cast<const char*>(block) + field.offset);
}
template <typename T>
T& At(void* block, const StatField& field) {
  return *reinterpret_cast<T*>(static_cast<char*>(block) + field.offset);
}

}  // namespace

void StatView::AppendName(std::string& out) const {
  StrAppend(out, block, field.name);
  if (code == 0) return;
  StrAppend(out, '_', static_cast<int>(code));
  if (code < 10) out += "xx";
}

Scope::Scope(std::shared_ptr<Registry> registry, ScopeName name)
    : registry_(std::move(registry)), name_(std::move(name)) {}

std::shared_ptr<Scope> Scope::Obtain(const std::shared_ptr<Registry>& registry, const ScopeName& name) {
  const std::lock_guard lock(registry->mutex);
  const auto it = registry->scopes.find(name.text());
  if (it != registry->scopes.end()) {
    if (std::shared_ptr<Scope> scope = it->second.lock()) return scope;
    // Its last holder is just letting go. The key is the name in that scope.
    registry->scopes.erase(it);
  }
  struct Made final : Scope {
    Made(std::shared_ptr<Registry> registry, ScopeName name) : Scope(std::move(registry), std::move(name)) {}
  };
  const std::shared_ptr<Scope> scope = std::make_shared<Made>(registry, name);
  registry->scopes.emplace(scope->name_.text(), scope);
  return scope;
}

std::shared_ptr<Scope> Scope::Part(const ScopeName& name, size_t limit) {
  std::shared_ptr<Scope> part = Obtain(registry_, name);
  const std::lock_guard lock(mutex_);
  if (parts_ == nullptr) parts_ = std::make_unique<std::set<std::shared_ptr<Scope>>>();
  if (parts_->size() >= limit && !parts_->contains(part)) return nullptr;
  parts_->insert(part);
  return part;
}

Scope::~Scope() {
  {
    const std::lock_guard lock(registry_->mutex);
    const auto it = registry_->scopes.find(name_.text());
    // Another scope of this name may have been made since the last holder of this one let go.
    if (it != registry_->scopes.end() && it->first.data() == name_.text().data()) registry_->scopes.erase(it);
  }
  for (const Family& family : families_) {
    for (const auto& [slot, block] : family.shards().blocks) family.descriptor->destroy(block);
  }
}

const Scope::Shards& Scope::Family::None() {
  static const Shards none;
  return none;
}

void Scope::Declare(std::span<const BlockDescriptor* const> descriptors) {
  const std::lock_guard lock(mutex_);
  if (families_.empty()) families_.reserve(descriptors.size());
  for (const BlockDescriptor* descriptor : descriptors) Find(*descriptor);
}

Scope::Family& Scope::Find(const BlockDescriptor& descriptor) {
  for (Family& family : families_) {
    if (family.descriptor == &descriptor) return family;
  }
  return families_.emplace_back(&descriptor);
}

void* Scope::Shard(const BlockDescriptor& descriptor, StatsSlot slot) {
  const std::lock_guard lock(mutex_);
  Family& family = Find(descriptor);
  if (family.made == nullptr) family.made = std::make_unique<Shards>();
  auto& blocks = family.made->blocks;
  for (const auto& [at, block] : blocks) {
    if (at == slot) return block;
  }
  blocks.emplace_back(slot, descriptor.make());
  return blocks.back().second;
}

int64_t Scope::Sum(const Family& family, size_t index, bool& used) {
  const StatField& field = family.descriptor->fields[index];
  used = false;
  if (field.kind == StatKind::kGauge) {
    int64_t sum = 0;
    for (const auto& [slot, block] : family.shards().blocks) {
      const Gauge& gauge = At<Gauge>(block, field);
      sum += gauge.value();
      used = used || gauge.used();
    }
    return sum;
  }
  uint64_t sum = 0;
  for (const auto& [slot, block] : family.shards().blocks) sum += At<Counter>(block, field).value();
  used = sum != 0;
  const std::vector<uint64_t>& baseline = family.shards().past->baseline;
  return static_cast<int64_t>(sum - (index < baseline.size() ? baseline[index] : 0));
}

void Scope::SumCodes(const Family& family, size_t index, std::vector<std::pair<int16_t, uint64_t>>& out) {
  const StatField& field = family.descriptor->fields[index];
  for (const auto& [slot, block] : family.shards().blocks) {
    At<StatusCodeCounters>(block, field).ForEach([&](int code, uint64_t count) {
      const auto it = std::lower_bound(out.begin(), out.end(), code, [](const auto& a, int b) { return a.first < b; });
      if (it != out.end() && it->first == code) {
        it->second += count;
      } else {
        out.emplace(it, static_cast<int16_t>(code), count);
      }
    });
  }
  const auto& baseline = family.shards().past->code_baseline;
  for (auto& [code, count] : out) {
    const auto it = baseline.find({static_cast<uint16_t>(index), code});
    if (it != baseline.end()) count -= it->second;
  }
}

bool Scope::HistogramUsed(const Family& family, size_t index) {
  const auto& blocks = family.shards().blocks;
  return std::any_of(blocks.begin(), blocks.end(), [&](const auto& shard) {
    return At<Histogram>(shard.second, family.descriptor->fields[index]).used();
  });
}

std::optional<HistogramSnapshot> Scope::SumHistogram(const Family& family, size_t index) {
  if (!HistogramUsed(family, index)) return std::nullopt;
  std::vector<uint64_t> dense(histogram_bins::kCount);
  uint64_t sum = 0;
  for (const auto& [slot, block] : family.shards().blocks) {
    At<Histogram>(block, family.descriptor->fields[index]).AddTo(dense.data(), sum);
  }
  HistogramSnapshot::Bins bins;
  for (size_t i = 0; i < dense.size(); ++i) {
    if (dense[i] != 0) bins.emplace_back(static_cast<uint16_t>(i), dense[i]);
  }
  return HistogramSnapshot(std::move(bins), sum);
}

void Scope::TurnInterval() {
  const std::lock_guard lock(mutex_);
  for (const Family& family : families_) {
    if (family.made == nullptr) continue;
    for (size_t i = 0; i < family.descriptor->fields.size(); ++i) {
      if (family.descriptor->fields[i].kind != StatKind::kHistogram) continue;
      auto total = SumHistogram(family, i);
      if (!total.has_value()) continue;
      HistogramTimes& times = family.made->past.Own().histograms[static_cast<uint16_t>(i)];
      times.interval = total->Since(times.at_turn);
      times.at_turn = *std::move(total);
    }
  }
}

void Scope::ResetCounters() {
  const std::lock_guard lock(mutex_);
  for (const Family& family : families_) {
    if (family.made == nullptr) continue;
    Shards& shards = *family.made;
    const auto fields = family.descriptor->fields;
    for (size_t i = 0; i < fields.size(); ++i) {
      if (fields[i].kind == StatKind::kCounter) {
        uint64_t sum = 0;
        for (const auto& [slot, block] : shards.blocks) sum += At<Counter>(block, fields[i]).value();
        if (sum == 0) continue;
        std::vector<uint64_t>& baseline = shards.past.Own().baseline;
        baseline.resize(fields.size());
        baseline[i] = sum;
      } else if (fields[i].kind == StatKind::kStatusCodes) {
        std::vector<std::pair<int16_t, uint64_t>> codes;
        SumCodes(family, i, codes);
        for (const auto& [code, count] : codes) {
          shards.past.Own().code_baseline[{static_cast<uint16_t>(i), code}] += count;
        }
      }
    }
  }
}

void Scope::Retire(StatsSlot slot) {
  const std::lock_guard lock(mutex_);
  for (const Family& family : families_) {
    if (family.made == nullptr) continue;
    auto& blocks = family.made->blocks;
    const auto of = [&blocks](StatsSlot wanted) {
      return std::find_if(blocks.begin(), blocks.end(), [=](const auto& shard) { return shard.first == wanted; });
    };
    const auto retired = of(slot);
    if (retired == blocks.end()) continue;
    void* from = retired->second;
    const auto mains = of(kMainSlot);
    if (mains == blocks.end()) {
      retired->first = kMainSlot;
      continue;
    }
    void* to = mains->second;
    for (const StatField& field : family.descriptor->fields) {
      switch (field.kind) {
        case StatKind::kCounter:
          At<Counter>(to, field).Add(At<Counter>(from, field).value());
          break;
        case StatKind::kGauge:
          if (At<Gauge>(from, field).used()) At<Gauge>(to, field).Add(At<Gauge>(from, field).value());
          break;
        case StatKind::kHistogram:
          At<Histogram>(to, field).Absorb(At<Histogram>(from, field));
          break;
        case StatKind::kStatusCodes:
          At<StatusCodeCounters>(from, field).ForEach([&](int code, uint64_t count) {
            if (code >= StatusCodeCounters::kMin) At<StatusCodeCounters>(to, field).Add(code, count);
          });
          break;
        case StatKind::kText:
          break;
      }
    }
    family.descriptor->destroy(from);
    blocks.erase(retired);
  }
}

}  // namespace nuncio::telemetry
