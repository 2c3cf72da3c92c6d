#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "source/telemetry/scope.h"
#include "source/telemetry/stats_cursor.h"
#include "source/telemetry/tag_rules.h"

namespace nuncio::telemetry {

// All statistics of the process. Scopes may be asked for on any thread; the rest is main's.
class StatsStore {
 public:
  // Whether the statistic of this full name is kept. Judged when statistics are shown.
  using Matcher = std::function<bool(std::string_view name)>;

  StatsStore();
  ~StatsStore();
  StatsStore(const StatsStore&) = delete;
  StatsStore& operator=(const StatsStore&) = delete;

  // The scope of this name, a new one where nobody holds it.
  ScopePtr GetScope(const ScopeName& name);

  // Something that counts later than things happen: the first time that somebody looks.
  class LateCounter {
   public:
    virtual void CatchUp() = 0;

   protected:
    ~LateCounter() = default;
  };
  void Add(LateCounter& counter) { late_.push_back(&counter); }
  void Remove(LateCounter& counter) { std::erase(late_, &counter); }
  // Done before statistics are queried, found or reset, and before an interval ends.
  void CatchUp() const;

  // From the bootstrap, before anything is shown.
  void SetTagRules(TagRules rules) { tag_rules_ = std::move(rules); }
  void SetMatcher(Matcher matcher) { matcher_ = std::move(matcher); }

  // A cursor over what `query` asks for. It sees scopes that come and go while it runs. The store must outlive it. An
  // error where the filter is no regular expression.
  absl::StatusOr<std::unique_ptr<StatsCursor>> Query(const StatsQuery& query) const;

  // To be called every `stats_flush_interval`: ends the histograms' interval. Works on at most `max_scopes` scopes;
  // true when the round is done, else call again from the loop.
  bool TurnInterval(size_t max_scopes);
  // Counters start at 0 again; gauges and histograms stay.
  void ResetCounters();
  // A worker's thread has ended: what it counted goes to main, its blocks are freed.
  void Retire(StatsSlot slot);

  // A counter or gauge by its full name; nothing where it is not there. For tests and the admin interface's fixed
  // figures.
  std::optional<int64_t> Find(std::string_view name) const;
  std::optional<HistogramSnapshot> FindHistogram(std::string_view name) const;

  // For cursors: the first scope whose prefix is greater than `prefix`, or, for the first of all, at least the empty
  // one. Null at the end.
  ScopePtr NextScope(const std::optional<std::string>& after) const;
  // The prefix that NextScope would find.
  std::optional<std::string> NextPrefix(const std::optional<std::string>& after) const;
  const TagRules& tag_rules() const { return tag_rules_; }
  const Matcher& matcher() const { return matcher_; }

 private:
  template <typename Visit>
  void FindView(std::string_view name, Visit&& visit) const;

  const std::shared_ptr<Scope::Registry> registry_;
  std::vector<LateCounter*> late_;
  TagRules tag_rules_;
  Matcher matcher_;
  std::optional<std::string> turned_to_;
};

}  // namespace nuncio::telemetry
