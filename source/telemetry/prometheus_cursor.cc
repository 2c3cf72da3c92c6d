#include "source/telemetry/prometheus_cursor.h"

#include <algorithm>

#include "source/base/strings.h"

namespace nuncio::telemetry {
namespace {

constexpr size_t kScopesPerSlice = 32;

struct Bound {
  double value;
  std::string_view text;
};
constexpr Bound kBounds[] = {
    {0.5, "0.5"},     {1, "1"},           {5, "5"},           {10, "10"},         {25, "25"},
    {50, "50"},       {100, "100"},       {250, "250"},       {500, "500"},       {1000, "1000"},
    {2500, "2500"},   {5000, "5000"},     {10000, "10000"},   {30000, "30000"},   {60000, "60000"},
    {300000, "300000"}, {600000, "600000"}, {1800000, "1800000"}, {3600000, "3600000"}};

std::string_view TypeName(StatKind kind) {
  switch (kind) {
    case StatKind::kGauge: return "gauge";
    case StatKind::kHistogram: return "histogram";
    default: return "counter";
  }
}

void AppendLabels(std::string& out, const ExtractedName& extracted) {
  std::vector<std::string> names;
  for (const auto& [tag, value] : extracted.tags) {
    std::string name = PrometheusName("", tag);
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    if (!names.empty()) out.push_back(',');
    StrAppend(out, name, "=\"");
    names.push_back(std::move(name));
    for (const char c : value) {
      if (c == '\n') {
        out += "\\n";
        continue;
      }
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
    out.push_back('"');
  }
}

}  // namespace

std::string PrometheusName(std::string_view prefix, std::string_view name) {
  std::string out(prefix);
  if (out.empty() && (name.empty() || (name[0] >= '0' && name[0] <= '9'))) out.push_back('_');
  for (const char c : name) {
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    out.push_back(allowed ? c : '_');
  }
  return out;
}

PrometheusCursor::PrometheusCursor(const StatsStore& store, StatSelector selector)
    : store_(store), selector_(std::move(selector)) {}

PrometheusCursor::Metric& PrometheusCursor::MetricOf(const std::string& extracted, StatKind kind) {
  const std::string name = PrometheusName("envoy_", extracted);
  const auto [it, added] = by_name_.try_emplace(name, metrics_.size());
  if (added) metrics_.push_back({name, kind, {}, extracted, false});
  Metric& metric = metrics_[it->second];
  metric.several = metric.several || metric.extracted != extracted || !store_.tag_rules().separable();
  return metric;
}

void PrometheusCursor::IndexScope(const ScopePtr& scope) {
  const uint32_t index = static_cast<uint32_t>(scopes_.size());
  ExtractedName extracted;
  std::string name;
  scope->ForEach(false, [&](const StatView& view) {
    if (view.kind == StatKind::kText || !selector_.Shows(*scope, view, name)) return;
    store_.tag_rules().Extract(scope->name(), name, extracted);
    Metric& metric = MetricOf(extracted.name, view.kind);
    // A name may be of one kind only; the first one has it.
    if (metric.kind != view.kind) return;
    metric.series.push_back({index, view.family, view.index, view.code});
  });
  scopes_.push_back(scope);
}

bool PrometheusCursor::Index() {
  for (size_t i = 0; i < kScopesPerSlice; ++i) {
    const ScopePtr scope = store_.NextScope(indexed_to_);
    if (scope == nullptr) {
      by_name_.clear();
      std::sort(metrics_.begin(), metrics_.end(), [](const Metric& a, const Metric& b) { return a.name < b.name; });
      return true;
    }
    IndexScope(scope);
    indexed_to_ = scope->name().text();
  }
  return false;
}

void PrometheusCursor::PrintHistogram(const Metric& metric, const HistogramSnapshot& total, std::string_view labels,
                                      std::string& out) {
  const std::string_view comma = labels.empty() ? "" : ",";
  for (const Bound& bound : kBounds) {
    StrAppend(out, metric.name, "_bucket{", labels, comma, "le=\"", bound.text, "\"} ",
              total.CountAtOrBelow(bound.value), '\n');
  }
  StrAppend(out, metric.name, "_bucket{", labels, comma, "le=\"+Inf\"} ", total.count(), '\n');
  StrAppend(out, metric.name, "_sum{", labels, "} ", total.sum(), '\n');
  StrAppend(out, metric.name, "_count{", labels, "} ", total.count(), '\n');
}

void PrometheusCursor::Print(const Metric& metric, const Series& series, std::string& out) {
  const Scope& scope = *scopes_[series.scope];
  scope.ForOne(series.family, series.index, series.code, [&](const StatView& view) {
    std::string name = scope.name().text();
    view.AppendName(name);
    ExtractedName extracted;
    store_.tag_rules().Extract(scope.name(), name, extracted);
    std::string labels;
    AppendLabels(labels, extracted);
    // Names that differ only in characters that Prometheus does not allow, or in what a configured rule cuts out, would
    // give the same series twice.
    if (metric.several && !printed_.insert(labels).second) return;
    if (!typed_) StrAppend(out, "# TYPE ", metric.name, ' ', TypeName(metric.kind), '\n');
    typed_ = true;
    if (view.kind == StatKind::kHistogram) {
      PrintHistogram(metric, *view.total, labels, out);
    } else {
      StrAppend(out, metric.name, '{', labels, "} ", view.value, '\n');
    }
  });
}

bool PrometheusCursor::Next(std::string& out, size_t max_bytes) {
  const size_t limit = out.size() + max_bytes;
  if (!indexed_) {
    indexed_ = Index();
    return true;
  }
  for (; metric_ < metrics_.size(); ++metric_) {
    const Metric& metric = metrics_[metric_];
    for (; series_ < metric.series.size(); ++series_) {
      if (out.size() >= limit) return true;
      Print(metric, metric.series[series_], out);
    }
    series_ = 0;
    typed_ = false;
    printed_.clear();
  }
  return false;
}

}  // namespace nuncio::telemetry
