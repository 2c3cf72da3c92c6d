#include "source/telemetry/sorted_cursor.h"

#include <algorithm>

#include "source/base/json_string.h"
#include "source/base/strings.h"
#include "source/telemetry/quantiles.h"

namespace nuncio::telemetry {
namespace {
// Scopes looked at in one call of Next, whether or not they had anything to show.
constexpr size_t kScopesPerSlice = 128;
}  // namespace

SortedCursor::SortedCursor(const StatsStore& store, StatSelector selector, bool json)
    : store_(store), selector_(std::move(selector)), json_(json) {}

bool SortedCursor::InPhase(StatKind kind) const {
  switch (phase_) {
    case Phase::kTexts: return kind == StatKind::kText;
    case Phase::kNumbers: return kind == StatKind::kCounter || kind == StatKind::kGauge;
    case Phase::kHistograms: return kind == StatKind::kHistogram;
    case Phase::kEnd: return false;
  }
  return false;
}

std::string SortedCursor::Value(const StatView& view) const {
  switch (view.kind) {
    case StatKind::kHistogram:
      return json_ ? QuantileJson(*view.interval, *view.total) : QuantileText(*view.interval, *view.total);
    case StatKind::kText: {
      std::string quoted;
      AppendJsonString(quoted, *view.text);
      return quoted;
    }
    default:
      return StrCat(view.value);
  }
}

void SortedCursor::Open(const Scope& scope) {
  Opened entries;
  std::string name;
  scope.ForEach(phase_ == Phase::kHistograms, [&](const StatView& view) {
    if (InPhase(view.kind) && selector_.Shows(scope, view, name)) entries.push_back({name, Value(view)});
  });
  if (entries.empty()) return;
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name > b.name; });
  open_.push_back(std::move(entries));
  std::push_heap(open_.begin(), open_.end(),
                 [](const Opened& a, const Opened& b) { return a.back().name > b.back().name; });
}

bool SortedCursor::OpenDue(size_t& budget) {
  for (;;) {
    const std::optional<std::string> next = store_.NextPrefix(opened_to_);
    if (!next.has_value() || (!open_.empty() && *next > open_.front().back().name)) return true;
    if (budget == 0) return false;
    --budget;
    if (const ScopePtr scope = store_.NextScope(opened_to_)) {
      Open(*scope);
      opened_to_ = scope->name().text();
    } else {
      opened_to_ = next;
    }
  }
}

void SortedCursor::Print(const Entry& entry, std::string& out) {
  if (!json_) {
    StrAppend(out, entry.name, ": ", entry.value, '\n');
    return;
  }
  if (phase_ == Phase::kHistograms && !any_histogram_) {
    if (any_) out.push_back(',');
    StrAppend(out, "{\"histograms\":{\"supported_quantiles\":", SupportedQuantilesJson(), ",\"computed_quantiles\":[");
    any_histogram_ = true;
  } else if (any_) {
    out.push_back(',');
  }
  any_ = true;
  out += "{\"name\":";
  AppendJsonString(out, entry.name);
  StrAppend(out, phase_ == Phase::kHistograms ? ",\"values\":" : ",\"value\":", entry.value, '}');
}

void SortedCursor::EndPhase(std::string& out) {
  opened_to_.reset();
  phase_ = static_cast<Phase>(static_cast<int>(phase_) + 1);
  if (phase_ != Phase::kEnd || !json_) return;
  if (any_histogram_) out += "]}}";
  out += "]}";
}

bool SortedCursor::Next(std::string& out, size_t max_bytes) {
  const size_t limit = out.size() + max_bytes;
  size_t budget = kScopesPerSlice;
  if (!started_ && json_) out += "{\"stats\":[";
  started_ = true;
  const auto later = [](const Opened& a, const Opened& b) { return a.back().name > b.back().name; };
  while (phase_ != Phase::kEnd) {
    if (!OpenDue(budget)) return true;
    if (open_.empty()) {
      EndPhase(out);
      continue;
    }
    if (out.size() >= limit) return true;
    std::pop_heap(open_.begin(), open_.end(), later);
    Opened& entries = open_.back();
    Print(entries.back(), out);
    entries.pop_back();
    if (entries.empty()) {
      open_.pop_back();
    } else {
      std::push_heap(open_.begin(), open_.end(), later);
    }
  }
  return false;
}

}  // namespace nuncio::telemetry
