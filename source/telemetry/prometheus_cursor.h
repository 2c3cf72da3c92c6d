#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "source/telemetry/stat_selector.h"
#include "source/telemetry/stats_cursor.h"
#include "source/telemetry/stats_store.h"

namespace nuncio::telemetry {

// Prometheus' text format. All series of a metric must stand together, so scopes are indexed first, in slices too, and
// printed then by metric name.
class PrometheusCursor : public StatsCursor {
 public:
  PrometheusCursor(const StatsStore& store, StatSelector selector);
  bool Next(std::string& out, size_t max_bytes) override;

 private:
  struct Series {
    uint32_t scope;
    uint16_t family;
    uint16_t index;
    int16_t code;
  };
  struct Metric {
    std::string name;
    StatKind kind;
    std::vector<Series> series;
    // The name before it was made Prometheus', and whether its series may coincide.
    std::string extracted;
    bool several = false;
  };

  void IndexScope(const ScopePtr& scope);
  Metric& MetricOf(const std::string& extracted, StatKind kind);
  bool Index();
  void Print(const Metric& metric, const Series& series, std::string& out);
  void PrintHistogram(const Metric& metric, const HistogramSnapshot& total, std::string_view labels, std::string& out);

  const StatsStore& store_;
  const StatSelector selector_;

  std::optional<std::string> indexed_to_;
  bool indexed_ = false;
  std::vector<ScopePtr> scopes_;
  std::vector<Metric> metrics_;
  std::unordered_map<std::string, size_t> by_name_;
  // Printing: where it stands, and the label sets already printed of a metric whose series may coincide.
  size_t metric_ = 0;
  size_t series_ = 0;
  bool typed_ = false;
  std::unordered_set<std::string> printed_;
};

// A metric's or label's name: what Prometheus does not allow turned into '_'. `prefix` "envoy_" for metrics.
std::string PrometheusName(std::string_view prefix, std::string_view name);

}  // namespace nuncio::telemetry
