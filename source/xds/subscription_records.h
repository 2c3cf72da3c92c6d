#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/delegate.h"
#include "source/config/subscription.h"
#include "source/event/event_loop.h"
#include "source/telemetry/stats_store.h"

namespace nuncio::xds {

// One subscription. Kept by whoever walks over the records, so that it may end within a callback.
struct SubscriptionRecord {
  // `on_timeout`: no answer within the time that `first_fetch` is armed with.
  SubscriptionRecord(event::EventLoop& loop, config::ResourceWatcher& to,
                     Delegate<void(SubscriptionRecord&)> on_timeout)
      : watcher(to),
        timed_out_to(on_timeout),
        first_fetch(loop, Delegate<void()>::Bind<&SubscriptionRecord::OnFirstFetchTimeout>(this)) {}

  // Of a type's answers only those concern it that concern one of its names.
  bool by_name_only() const { return first_done && !wildcard && !names.empty() && untold.empty(); }

  config::ResourceWatcher& watcher;
  const Delegate<void(SubscriptionRecord&)> timed_out_to;
  std::weak_ptr<SubscriptionRecord> self;
  // In order of subscription.
  uint64_t number = 0;
  // See SubscriptionRecords.
  bool settled = false;
  // Of a settled one: how much of what is late it was told.
  size_t told = 0;
  bool alive = true;
  bool wildcard = false;
  std::set<std::string> names;
  // Names whose resource is not there, or whose watcher was not told of it yet.
  std::set<std::string> untold;
  // OnUpdate was called, or OnFirstFetchFailed.
  bool first_done = false;
  // Of a wildcard: the watcher was told all there is, and only needs changes.
  bool caught_up = false;
  bool timed_out = false;
  event::Timer first_fetch;

 private:
  void OnFirstFetchTimeout() {
    // May end this record; the list keeps it until the call is over.
    const std::shared_ptr<SubscriptionRecord> keep = self.lock();
    timed_out_to(*this);
  }
};

// Names that nobody asked for at some time, and somebody does now; and the other way round.
struct NameChanges {
  std::set<std::string, std::less<>> came;
  std::set<std::string, std::less<>> went;

  bool empty() const { return came.empty() && went.empty(); }
};

// The subscriptions of one type at one source, in order and by name. A settled one has been told of all it asks for,
// all of which the last answer has; as long as answers say nothing new of its names it is not looked at, and counts
// them when statistics are read. Main thread.
class SubscriptionRecords final : private telemetry::StatsStore::LateCounter {
 public:
  using Record = SubscriptionRecord;
  using Ref = std::shared_ptr<Record>;
  using List = std::vector<Ref>;
  // By Record::number.
  using Map = std::map<uint64_t, Ref>;

  // `stats`: whoever reads the watchers' statistics there finds them up to date.
  explicit SubscriptionRecords(telemetry::StatsStore& stats);
  SubscriptionRecords(const SubscriptionRecords&) = delete;
  SubscriptionRecords& operator=(const SubscriptionRecords&) = delete;
  ~SubscriptionRecords();

  void Add(const Ref& record);
  void Remove(Record& record);
  // Names that it had before keep their place in `untold`.
  void Rename(Record& record, std::set<std::string> names);

  bool empty() const { return records_.empty(); }
  // Whether any is to all resources.
  bool wildcard() const { return wildcards_ > 0; }
  // Whether any is by name.
  bool by_name() const { return !by_name_.empty(); }
  bool Named(std::string_view name) const;
  // Calls `visit` for each record that names it.
  template <typename Visit>
  void ForEachNaming(std::string_view name, Visit&& visit) const {
    for (auto at = by_name_.lower_bound({name, nullptr}); at != by_name_.end() && at->first == name; ++at) {
      visit(*at->second);
    }
  }
  // Since the last call.
  NameChanges TakeNameChanges() { return std::exchange(changes_, {}); }
  // Names that came since the last call, as far as they are still there.
  std::set<std::string> TakeUnanswered() { return std::exchange(unanswered_, {}); }

  const Map& all() const { return records_; }
  const Map& unsettled() const { return unsettled_; }
  static List Copy(const Map& records);
  // Those unsettled and those with one of the names, in order of subscription.
  List Concerned(const std::vector<std::string_view>& names) const;
  void Unsettle(Record& record);
  void UnsettleAll();
  // Those are settled from now on of which `complete(const Record&)` says so.
  template <typename Complete>
  void Settle(Complete&& complete) {
    std::erase_if(unsettled_, [&](const auto& entry) {
      Record& record = *entry.second;
      if (!complete(record)) return false;
      record.settled = true;
      record.told = late_.size();
      return true;
    });
  }

  // Statistics of one record that is not settled or was brought up to date.
  static void Tell(Record& record, const config::SubscriptionEvent& event);
  // Of all settled records.
  void TellSettled(config::SubscriptionEvent event);
  // telemetry::StatsStore::LateCounter
  void CatchUp() override;

 private:
  void CatchUp(Record& record);
  void Index(Record& record);
  void Unindex(Record& record);

  telemetry::StatsStore& stats_;
  Map records_;
  uint64_t last_number_ = 0;
  size_t wildcards_ = 0;
  // Those that are not settled.
  Map unsettled_;
  // Settled or not; the names are those in the records.
  std::set<std::pair<std::string_view, Record*>> by_name_;
  NameChanges changes_;
  std::set<std::string> unanswered_;
  // What befell all settled records since they were last brought up to date; each knows from where on it is late.
  std::vector<config::SubscriptionEvent> late_;
};

}  // namespace nuncio::xds
