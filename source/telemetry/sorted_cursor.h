#pragma once

#include <optional>
#include <string>
#include <vector>

#include "source/telemetry/stat_selector.h"
#include "source/telemetry/stats_cursor.h"
#include "source/telemetry/stats_store.h"

namespace nuncio::telemetry {

// Statistics by name, as text (`name: value`) or JSON: texts first, then counters and gauges, then histograms. Scopes
// are opened one after the other and merged, so that the order holds where one scope's prefix lies within another's.
class SortedCursor : public StatsCursor {
 public:
  SortedCursor(const StatsStore& store, StatSelector selector, bool json);
  bool Next(std::string& out, size_t max_bytes) override;

 private:
  enum class Phase { kTexts, kNumbers, kHistograms, kEnd };
  struct Entry {
    std::string name;
    std::string value;  // as it is printed
  };
  // The entries of one scope that are still to come, the next one last.
  using Opened = std::vector<Entry>;

  bool InPhase(StatKind kind) const;
  void Open(const Scope& scope);
  // Opens every scope whose statistics may come before those that are open. False where the budget ran out.
  bool OpenDue(size_t& budget);
  void Print(const Entry& entry, std::string& out);
  void EndPhase(std::string& out);
  std::string Value(const StatView& view) const;

  const StatsStore& store_;
  const StatSelector selector_;
  const bool json_;

  Phase phase_ = Phase::kTexts;
  // A heap, the scope with the least name on top.
  std::vector<Opened> open_;
  std::optional<std::string> opened_to_;
  bool started_ = false;
  bool any_ = false;
  bool any_histogram_ = false;
};

}  // namespace nuncio::telemetry
