#include "source/telemetry/stats_store.h"

#include <vector>

#include "source/base/strings.h"
#include "source/telemetry/registry.h"
#include "source/telemetry/prometheus_cursor.h"
#include "source/telemetry/sorted_cursor.h"
#include "source/telemetry/stat_selector.h"

namespace nuncio::telemetry {

StatsStore::StatsStore() : registry_(std::make_shared<Scope::Registry>()) {}

StatsStore::~StatsStore() = default;

ScopePtr StatsStore::GetScope(const ScopeName& name) { return Scope::Obtain(registry_, name); }

void StatsStore::CatchUp() const {
  for (LateCounter* const counter : late_) counter->CatchUp();
}

ScopePtr StatsStore::NextScope(const std::optional<std::string>& after) const {
  const std::lock_guard lock(registry_->mutex);
  auto it = after.has_value() ? registry_->scopes.upper_bound(*after) : registry_->scopes.begin();
  for (; it != registry_->scopes.end(); ++it) {
    // Null where the last holder is just letting go.
    if (ScopePtr scope = it->second.lock()) return scope;
  }
  return nullptr;
}

std::optional<std::string> StatsStore::NextPrefix(const std::optional<std::string>& after) const {
  const std::lock_guard lock(registry_->mutex);
  const auto it = after.has_value() ? registry_->scopes.upper_bound(*after) : registry_->scopes.begin();
  if (it == registry_->scopes.end()) return std::nullopt;
  return std::string(it->first);
}

absl::StatusOr<std::unique_ptr<StatsCursor>> StatsStore::Query(const StatsQuery& query) const {
  auto selector = StatSelector::Create(query, matcher_);
  if (!selector.ok()) return selector.status();
  CatchUp();
  if (query.format == StatsQuery::Format::kPrometheus) {
    return std::make_unique<PrometheusCursor>(*this, *std::move(selector));
  }
  return std::make_unique<SortedCursor>(*this, *std::move(selector), query.format == StatsQuery::Format::kJson);
}

bool StatsStore::TurnInterval(size_t max_scopes) {
  if (!turned_to_.has_value()) CatchUp();
  for (size_t i = 0; i < max_scopes; ++i) {
    const ScopePtr scope = NextScope(turned_to_);
    if (scope == nullptr) {
      turned_to_.reset();
      return true;
    }
    scope->TurnInterval();
    turned_to_ = scope->name().text();
  }
  return false;
}

void StatsStore::ResetCounters() {
  CatchUp();
  std::optional<std::string> after;
  while (const ScopePtr scope = NextScope(after)) {
    scope->ResetCounters();
    after = scope->name().text();
  }
}

void StatsStore::Retire(StatsSlot slot) {
  std::optional<std::string> after;
  while (const ScopePtr scope = NextScope(after)) {
    scope->Retire(slot);
    after = scope->name().text();
  }
}

template <typename Visit>
void StatsStore::FindView(std::string_view name, Visit&& visit) const {
  CatchUp();
  // The scope may end at any dot, and names of clusters have dots of their own.
  std::vector<ScopePtr> scopes;
  {
    const std::lock_guard lock(registry_->mutex);
    for (size_t end = 0; end != std::string_view::npos; end = name.find('.', end)) {
      if (end != 0) ++end;
      const auto it = registry_->scopes.find(name.substr(0, end));
      if (it != registry_->scopes.end()) scopes.push_back(it->second.lock());
      if (end == 0 && (name.empty() || name[0] == '.')) break;
    }
  }
  for (const ScopePtr& scope : scopes) {
    if (scope == nullptr) continue;
    const std::string_view rest = name.substr(scope->name().text().size());
    std::string candidate;
    scope->ForEach(true, [&](const StatView& view) {
      candidate.clear();
      view.AppendName(candidate);
      if (candidate == rest) visit(view);
    });
  }
}

std::optional<int64_t> StatsStore::Find(std::string_view name) const {
  std::optional<int64_t> found;
  FindView(name, [&](const StatView& view) {
    if (view.kind == StatKind::kCounter || view.kind == StatKind::kGauge) found = view.value;
  });
  return found;
}

std::optional<HistogramSnapshot> StatsStore::FindHistogram(std::string_view name) const {
  std::optional<HistogramSnapshot> found;
  FindView(name, [&](const StatView& view) {
    if (view.kind == StatKind::kHistogram) found = *view.total;
  });
  return found;
}

}  // namespace nuncio::telemetry
