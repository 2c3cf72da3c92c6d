#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "source/config/subscription.h"
#include "source/event/event_loop.h"
#include "source/telemetry/stats_store.h"
#include "source/xds/in_force_change.h"
#include "source/xds/resource_status.h"
#include "source/xds/response_compiler.h"
#include "source/xds/subscription_records.h"

namespace nuncio::xds {

// All subscriptions of one type at one source, and the last good version of every resource that they have. Knows
// nothing of how answers come. Main thread; outlives its subscriptions.
//
// The work on an answer that differs little from the one before is that of the difference, and so is that on names that
// come and go.
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
  bool wildcard() const { return records_.wildcard(); }
  // Whether anything is asked for.
  bool wanted() const { return records_.wildcard() || records_.by_name(); }

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
  struct Known {
    std::shared_ptr<const CompiledItem> item;
    // Unset: it is in the last answer, and has its version.
    std::optional<std::string> own_version;
    SystemTime updated_at;
  };
  struct Rejected {
    std::string error;
    std::string version;
    SystemTime at;
  };
  // One answer on its way.
  struct Change {
    std::string version;
    bool saved = false;
    // Only its difference to the answer before was looked at: these names.
    bool follows = false;
    std::set<std::string> looked_at;
    // What was there before, of added or changed (null item: nothing) and of removed resources.
    std::map<std::string, Known> added_before;
    std::map<std::string, Known> removed_before;
    // By name; resources without a name are in `nameless`.
    std::map<std::string, std::string> refused;
    std::string nameless;
  };

  // Whether any subscription names it.
  bool Named(std::string_view name) const { return records_.Named(name); }
  // Bring known_ to what the answer says, as far as the answer is good by itself.
  void Take(const CompiledResponse& response, Change& change);
  void TakeDifference(const CompiledResponse& response, Change& change);
  void TakeItem(const std::shared_ptr<const CompiledItem>& item, std::optional<std::string> own_version, Change& change);
  // The answer does not have it.
  void TakeAbsence(const std::string& name, Change& change);
  // What is known stays, though the answer has it otherwise or not at all.
  void Keep(Known& known);
  // Puts it in the place of one of the same name.
  void PutKnown(Known known);
  const std::string& VersionOf(const Known& known) const { return known.own_version ? *known.own_version : version_; }
  // As it is known beyond the answer that it came with.
  Known Kept(const Known& known) const { return {known.item, VersionOf(known), known.updated_at}; }
  // Whether it is in force as the last answer has it.
  bool AsAnswered(const std::string& name) const;
  void SettleRecords();
  void TellResult(const CompiledResponse& response, const Change& change, MonotonicTime began);
  // Whom the answer may say something new to, in order of subscription.
  SubscriptionRecords::List Concerned(const Change& change) const;
  void Deliver(Record& record, Change& change);
  void DeliverAll(Record& record, Change& change);
  void CallUpdate(Record& record, const config::ResourceUpdate& update, Change& change);
  void Refuse(Change& change, const std::string& name, const config::Faults& faults);
  // Puts back what the watchers did not want.
  void TakeBack(const Change& change);
  // That resource is not there any longer.
  void Lost(const std::string& name);
  void NoteRejections(const Change& change);
  // When that is over.
  InForceChange InForceAfter(const Change& change) const;
  // Of a resource in force.
  config::DecodedResource Decoded(const std::string& name) const;
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
  // The keys are the names in the items.
  std::map<std::string_view, Known> known_;
  std::map<std::string, Rejected, std::less<>> rejected_;
  // A wildcard answer came, so known_ is all there is.
  bool answered_ = false;
  // The last answer, as CompiledResponse numbers them; 0: there was none, or the difference to it does not tell all.
  uint64_t number_ = 0;
  std::string version_;
  // What of it did not take effect, by name.
  std::set<std::string> refused_;
  // There was a wildcard when known_ was last rid of what nobody names.
  bool was_wildcard_ = false;
  event::TurnTask replay_;
};

}  // namespace nuncio::xds
