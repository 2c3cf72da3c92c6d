#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/subscription.h"
#include "source/event/event_loop.h"
#include "source/telemetry/stats_store.h"
#include "source/xds/in_force_change.h"
#include "source/xds/resource_status.h"
#include "source/xds/resources_in_force.h"
#include "source/xds/response_compiler.h"
#include "source/xds/subscription_records.h"
#include "source/xds/taken_answer.h"

namespace nuncio::xds {

// All subscriptions of one type at one source: tells their watchers what answers bring into force (ResourcesInForce),
// subscriptions that came later what is in force already, and whoever waits in vain that there is no first answer.
// Knows nothing of how answers come. Main thread; outlives its subscriptions.
//
// The work on an answer that differs little from the one before is that of the difference, and so is that on names that
// come and go: an answer is handed to those whom it may say something new to, and the others count it later
// (SubscriptionRecords).
class TypeSubscriptions final {
 public:
  class Owner {
   public:
    // What is asked for changed, or a subscription came or went. From within Subscribe, UpdateNames and destructors: to
    // be acted on later.
    virtual void OnInterestChanged(TypeSubscriptions& type) = 0;

   protected:
    ~Owner() = default;
  };

  // `stats`: whoever reads the watchers' statistics there finds them up to date.
  TypeSubscriptions(event::EventLoop& loop, telemetry::StatsStore& stats, const config::ResourceType& type,
                    Owner& owner);
  TypeSubscriptions(const TypeSubscriptions&) = delete;
  TypeSubscriptions& operator=(const TypeSubscriptions&) = delete;
  ~TypeSubscriptions();

  const config::ResourceType& type() const { return type_; }

  // `first_fetch_timeout` 0: for ever.
  std::unique_ptr<config::Subscription> Add(std::chrono::nanoseconds first_fetch_timeout, config::ResourceNames names,
                                            config::ResourceWatcher& watcher);
  bool empty() const { return records_.empty(); }
  // Whether any subscription is to all resources.
  bool wildcard() const { return records_.wildcard(); }
  // Whether anything is asked for.
  bool wanted() const { return records_.wildcard() || records_.by_name(); }
  // Whether any resource is in force.
  bool holds_any() const { return !in_force_.all().empty(); }
  bool HoldsAll(const std::set<std::string, std::less<>>& names) const {
    return std::all_of(names.begin(), names.end(), [this](const std::string& name) { return in_force_.Has(name); });
  }

  // Hands an answer to the watchers. Returns what was wrong, one line per fault ("Cluster \"a\": path: reason"); empty:
  // all was taken. `in_force`, where it is not null, becomes what that changed.
  std::string Apply(const CompiledResponse& response, InForceChange* in_force = nullptr);
  // As Apply, for what an earlier run had kept: takes effect for what has no answer yet, and is no answer of the
  // source's.
  void ApplySaved(const CompiledResponse& response);
  // A request was made, or the source was lost: for statistics.
  void Tell(config::SubscriptionEvent::Kind kind);
  // No first answer will come soon.
  void FailFirst(config::FetchFailure failure, std::string_view reason);
  // Lets go of resources that nobody asks for any longer. Since the last call, which names came and went, of those
  // resources too.
  NameChanges TakeNameChanges();

  // Names asked for of which no resource is in force.
  std::set<std::string> Missing() const;
  std::vector<ResourceStatus> Statuses() const;

 private:
  using Record = SubscriptionRecord;
  class Handle;

  // To whom the answer may say something new; then what they refuse is taken back.
  void Deliver(TakenAnswer& answer);
  // In order of subscription.
  SubscriptionRecords::List Concerned(const TakenAnswer& answer) const;
  void DeliverTo(Record& record, TakenAnswer& answer);
  void DeliverAllTo(Record& record, TakenAnswer& answer);
  void CallUpdate(Record& record, const config::ResourceUpdate& update, TakenAnswer& answer);
  // For statistics.
  void TellResult(const CompiledResponse& response, const TakenAnswer& answer, MonotonicTime began);
  void SettleRecords();
  void UnsettleNaming(const std::string& name);
  // What subscriptions that came later than the answer are to be told.
  void OnReplay();
  void Replay(Record& record);
  void OnFirstFetchTimeout(Record& record);
  void FailRecord(Record& record, config::FetchFailure failure, std::string_view reason);
  void Remove(Record& record);

  event::EventLoop& loop_;
  const config::ResourceType& type_;
  Owner& owner_;
  SubscriptionRecords records_;
  ResourcesInForce in_force_;
  event::TurnTask replay_;
};

}  // namespace nuncio::xds
