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

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// What Prometheus allows in names, and '_' for all else.
char NameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c) ? c : '_';
}

void AppendName(std::string& out, std::string_view name) {
  const size_t begin = out.size();
  out += name;
  std::transform(out.begin() + begin, out.end(), out.begin() + begin, NameCharacter);
}

bool SameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return NameCharacter(x) == NameCharacter(y); });
}

// A label without a name, or one that begins with a digit, gets an underscore in front.
bool IsBare(std::string_view label) { return label.empty() || IsDigit(label[0]); }

bool SameLabel(std::string_view a, std::string_view b) {
  if (IsBare(a) == IsBare(b)) return SameName(a, b);
  if (IsBare(b)) std::swap(a, b);
  return NameCharacter(b[0]) == '_' && SameName(a, b.substr(1));
}

void AppendValue(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
}

void AppendLabels(std::string& out, const ExtractedName& extracted) {
  for (auto at = extracted.tags.begin(); at != extracted.tags.end(); ++at) {
    const std::string_view tag = at->first;
    const auto is_same = [tag](const auto& before) { return SameLabel(before.first, tag); };
    if (std::any_of(extracted.tags.begin(), at, is_same)) continue;
    if (!out.empty()) out.push_back(',');
    if (IsBare(tag)) out.push_back('_');
    AppendName(out, tag);
    out += "=\"";
    AppendValue(out, at->second);
    out.push_back('"');
  }
}

}  // namespace

PrometheusCursor::PrometheusCursor(const StatsStore& store, StatSelector selector)
    : store_(store), selector_(std::move(selector)) {}

PrometheusCursor::Metric& PrometheusCursor::MetricOf(StatKind kind) {
  metric_name_ = "envoy_";
  AppendName(metric_name_, extracted_.name);
  const auto known = by_name_.find(ToAbsl(metric_name_));
  if (known == by_name_.end()) {
    Metric& added = metrics_.emplace_back(metric_name_, kind, extracted_.name, !store_.tag_rules().separable());
    by_name_.emplace(ToAbsl(added.name), &added);
    return added;
  }
  Metric& metric = *known->second;
  metric.several = metric.several || metric.extracted != extracted_.name;
  return metric;
}

void PrometheusCursor::IndexScope(const ScopePtr& scope) {
  const uint32_t index = static_cast<uint32_t>(scopes_.size());
  scope->ForEach(false, [&](const StatView& view) {
    if (view.kind == StatKind::kText || !selector_.Shows(*scope, view, name_)) return;
    store_.tag_rules().Extract(scope->name(), name_, extracted_);
    Metric& metric = MetricOf(view.kind);
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
      for (const Metric& metric : metrics_) in_order_.push_back(&metric);
      std::sort(in_order_.begin(), in_order_.end(), [](const Metric* a, const Metric* b) { return a->name < b->name; });
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
    name_ = scope.name().text();
    view.AppendName(name_);
    store_.tag_rules().Extract(scope.name(), name_, extracted_);
    labels_.clear();
    AppendLabels(labels_, extracted_);
    // Names that differ only in characters that Prometheus does not allow, or in what a configured rule cuts out, would
    // give the same series twice.
    if (metric.several && !printed_.insert(labels_).second) return;
    if (!typed_) StrAppend(out, "# TYPE ", metric.name, ' ', TypeName(metric.kind), '\n');
    typed_ = true;
    if (view.kind == StatKind::kHistogram) {
      PrintHistogram(metric, *view.total, labels_, out);
    } else {
      StrAppend(out, metric.name, '{', labels_, "} ", view.value, '\n');
    }
  });
}

bool PrometheusCursor::Next(std::string& out, size_t max_bytes) {
  const size_t limit = out.size() + max_bytes;
  if (!indexed_) {
    indexed_ = Index();
    return true;
  }
  for (; metric_ < in_order_.size(); ++metric_) {
    const Metric& metric = *in_order_[metric_];
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
