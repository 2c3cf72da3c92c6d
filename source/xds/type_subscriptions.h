#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/config/subscription.h"
#include "source/event/event_loop.h"
#include "source/telemetry/stats_store.h"
#include "source/xds/resource_status.h"
#include "source/xds/response_compiler.h"

namespace nuncio::xds {

// All subscriptions of one type at one source, and the last good version of every resource that they have. Knows
// nothing of how answers come. Main thread; outlives its subscriptions.
//
// The work on an answer that differs little from the one before is that of the difference: subscriptions by name that
// it says nothing new to (Record::settled) are not looked at, and count it when statistics are read.
class TypeSubscriptions final : private telemetry::StatsStore::LateCounter {
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
  TypeSubscriptions(event::EventLoop& loop, telemetry::StatsStore& stats, const config::ResourceType& type, Owner& owner);
  TypeSubscriptions(const TypeSubscriptions&) = delete;
  TypeSubscriptions& operator=(const TypeSubscriptions&) = delete;
  ~TypeSubscriptions();

  const config::ResourceType& type() const { return type_; }

  // `first_fetch_timeout` 0: for ever.
  std::unique_ptr<config::Subscription> Add(std::chrono::nanoseconds first_fetch_timeout, config::ResourceNames names,
                                            config::ResourceWatcher& watcher);
  bool empty() const { return records_.empty(); }
  // Whether any subscription is to all resources.
  bool wildcard() const { return wildcards_ > 0; }
  // Named by any subscription, in order.
  std::set<std::string> Names() const;
  // Some subscription waits for its first answer.
  bool waiting() const;

  // Hands an answer to the watchers. Returns what was wrong, one line per fault ("Cluster \"a\": path: reason"); empty:
  // all was taken.
  std::string Apply(const CompiledResponse& response);
  // As Apply, for what an earlier run had kept: takes effect for what has no answer yet, and is no answer of the
  // source's.
  void ApplySaved(const CompiledResponse& response);
  // A request was made, or the source was lost: for statistics.
  void Tell(config::SubscriptionEvent::Kind kind);
  // No first answer will come soon.
  void FailFirst(config::FetchFailure failure, std::string_view reason);
  // Lets go of resources that nobody names any longer, and returns their names.
  std::vector<std::string> DropUnnamed();

  // Resources in force.
  std::vector<SavedResource> Current() const;
  std::vector<ResourceStatus> Statuses() const;

 private:
  struct Record;
  class Handle;
  struct Known {
    std::shared_ptr<const CompiledItem> item;
    // See VersionOf.
    std::string version;
    SystemTime updated_at;
  };
  struct Rejected {
    std::string error;
    std::string version;
    SystemTime at;
  };
  using Records = std::vector<std::shared_ptr<Record>>;
  // One answer on its way.
  struct Change {
    std::string version;
    bool saved = false;
    bool follows = false;
    // Where it follows: resources whose last good version stays in force, since the new one is faulty.
    std::set<std::string> faulty;
    // What was there before, of added or changed (null item: nothing) and of removed resources.
    std::map<std::string, Known> added_before;
    std::map<std::string, Known> removed_before;
    // By name; resources without a name are in `nameless`.
    std::map<std::string, std::string> refused;
    std::string nameless;
  };

  void Take(const CompiledResponse& response, Change& change);
  // Take, where Follows: its work is that of the difference.
  void TakeDifference(const CompiledResponse& response, Change& change);
  // Whether any subscription names it.
  bool Named(std::string_view name) const;
  // Puts it in the place of one of the same name.
  void PutKnown(Known known);
  void TakeItem(const std::shared_ptr<const CompiledItem>& item, const std::string& version, Change& change);
  // Whether that answer is what is in force, so that the difference says all.
  bool Follows(const CompiledResponse& response) const;
  // Called before known_ becomes anything else.
  void LeaveAnswer();
  const std::string& VersionOf(const Known& known) const { return in_force_ != 0 ? version_ : known.version; }
  void TellResult(const CompiledResponse& response, const Change& change, MonotonicTime began);
  // Statistics of one record, after what is late of it.
  static void TellOne(Record& record, const config::SubscriptionEvent& event);
  // Of all settled records.
  void TellSettled(config::SubscriptionEvent event);
  // telemetry::StatsStore::LateCounter
  void CatchUp() override;
  void CatchUp(Record& record);
  // To be looked at with every answer until the next Settle.
  void Unsettle(Record& record);
  // Lets go of those that need not be looked at any longer.
  void Settle();
  // Whom the answer may say something new to, in order of subscription.
  Records Concerned(const Change& change) const;
  void Index(Record& record);
  void Unindex(Record& record);
  // Calls `visit` for each record that names it.
  template <typename Visit>
  void ForEachNaming(std::string_view name, Visit&& visit) const;
  void Deliver(Record& record, Change& change);
  void CallUpdate(Record& record, const config::ResourceUpdate& update, Change& change);
  void Refuse(Change& change, const std::string& name, const config::Faults& faults);
  // Puts back what the watchers did not want.
  void TakeBack(const Change& change);
  // That resource is not there any longer.
  void Lost(const std::string& name);
  void NoteRejections(const Change& change);
  // Of a resource in force.
  config::DecodedResource Decoded(const std::string& name) const;
  // What subscriptions that came later than the answer are to be told.
  void OnReplay();
  void Replay(Record& record);
  void FailRecord(Record& record, config::FetchFailure failure, std::string_view reason);
  void Remove(Record& record);

  event::EventLoop& loop_;
  telemetry::StatsStore& stats_;
  const config::ResourceType& type_;
  Owner& owner_;
  Records records_;
  uint64_t last_number_ = 0;
  size_t wildcards_ = 0;
  // Those that are not settled.
  Records unsettled_;
  // Settled or not; the names are those in the records.
  std::set<std::pair<std::string_view, Record*>> by_name_;
  // What befell all settled records since they were last brought up to date; each knows from where on it is late.
  std::vector<config::SubscriptionEvent> late_;
  // The keys are the names in the items.
  std::map<std::string_view, Known> known_;
  std::map<std::string, Rejected> rejected_;
  // A wildcard answer came, so known_ is all there is.
  bool answered_ = false;
  // Where known_ is exactly what an answer held: its number (CompiledResponse) and version. The versions in known_ may
  // be older then.
  uint64_t in_force_ = 0;
  std::string version_;
  event::TurnTask replay_;
};

}  // namespace nuncio::xds
