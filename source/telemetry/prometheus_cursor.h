#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "source/telemetry/stat_selector.h"
#include "source/telemetry/stats_cursor.h"
#include "source/telemetry/stats_store.h"
#include "source/telemetry/tag_rules.h"

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
    // The name before it was made Prometheus', and whether its series may coincide.
    std::string extracted;
    bool several = false;
    absl::InlinedVector<Series, 2> series{};
  };

  void IndexScope(const ScopePtr& scope);
  Metric& MetricOf(StatKind kind);
  bool Index();
  void Print(const Metric& metric, const Series& series, std::string& out);
  void PrintHistogram(const Metric& metric, const HistogramSnapshot& total, std::string_view labels, std::string& out);

  const StatsStore& store_;
  const StatSelector selector_;

  std::optional<std::string> indexed_to_;
  bool indexed_ = false;
  std::vector<ScopePtr> scopes_;
  std::deque<Metric> metrics_;
  absl::flat_hash_map<absl::string_view, Metric*> by_name_;
  // What a statistic is called; here for their memory.
  std::string name_, metric_name_, labels_;
  ExtractedName extracted_;
  // Printing: where it stands, and the label sets already printed of a metric whose series may coincide.
  std::vector<const Metric*> in_order_;
  size_t metric_ = 0;
  size_t series_ = 0;
  bool typed_ = false;
  std::unordered_set<std::string> printed_;
};

}  // namespace nuncio::telemetry
