#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "source/base/clock.h"
#include "source/config/subscription.h"
#include "source/event/event_loop.h"
#include "source/xds/in_force_change.h"
#include "source/xds/resource_status.h"
#include "source/xds/response_compiler.h"
#include "source/xds/subscription_records.h"
#include "source/xds/taken_answer.h"

namespace nuncio::xds {

// What is in force of one type at a source: the last good version of every resource asked for; and what was refused,
// and why. Calls nobody. Main thread.
//
// An answer comes into force in three steps: Take, as far as it is good by itself; TakeBack, once the watchers have
// seen it, of what was refused; and Conclude.
//
// The work on an answer that differs little from the one before is that of the difference: a resource that is in the
// last answer has that answer's version, so where nothing changed nothing is to be done.
class ResourcesInForce final {
 public:
  // The keys are the names in the items.
  using Map = std::map<std::string_view, KnownResource, std::less<>>;

  // `asked`: what is asked for. It and `loop` outlive this object.
  ResourcesInForce(event::EventLoop& loop, const config::ResourceType& type, const SubscriptionRecords& asked)
      : loop_(loop), type_(type), asked_(asked) {}
  ResourcesInForce(const ResourcesInForce&) = delete;
  ResourcesInForce& operator=(const ResourcesInForce&) = delete;

  // `unanswered`: names that came since the answer before, which passed them over.
  TakenAnswer Take(const CompiledResponse& response, std::set<std::string> unanswered);
  // What an earlier run had kept: adds what is not there.
  TakenAnswer TakeSaved(const CompiledResponse& response);
  void TakeBack(TakenAnswer& answer);
  // Not for what an earlier run had kept.
  void Conclude(const TakenAnswer& answer);
  // Of a concluded answer, the last one.
  InForceChange ChangeBy(const TakenAnswer& answer) const;

  // The last answer was not looked at for what is asked for from now on; the next one is to be taken as a whole.
  void ExpectWhole() { number_ = 0; }
  // Lets go of what nobody asks for: the names that `went` since the last call, to which it adds what only a wildcard
  // had asked for.
  void LetGo(std::set<std::string, std::less<>>& went);

  const Map& all() const { return known_; }
  bool Has(std::string_view name) const { return known_.contains(name); }
  // Of one that is in force.
  config::DecodedResource Get(const std::string& name) const;
  // Whether it is in force as the last answer has it.
  bool AsAnswered(std::string_view name) const;
  // A wildcard was answered, so that all() is all there is.
  bool answered_all() const { return answered_all_; }
  // By name: where there is something to say of it.
  void AddStatuses(std::map<std::string, ResourceStatus>& out) const;

 private:
  struct Rejected {
    std::string error;
    std::string version;
    SystemTime at;
  };

  void TakeWhole(const CompiledResponse& response, TakenAnswer& answer);
  void TakeDifference(const CompiledResponse& response, TakenAnswer& answer);
  void TakeItem(const CompiledItemPtr& item, std::optional<std::string> own_version, TakenAnswer& answer);
  // The answer does not have it.
  void TakeAbsence(const std::string& name, TakenAnswer& answer);
  // What is known of it stays, though the answer has it otherwise or not at all.
  void Keep(const std::string& name, TakenAnswer& answer);
  // In the place of one of the same name.
  void Put(KnownResource known);
  bool AsksFor(std::string_view name) const { return asked_.wildcard() || asked_.Named(name); }
  bool AbsenceIsRemoval() const { return asked_.wildcard() && type_.absence_is_removal(); }
  const std::string& VersionOf(const KnownResource& known) const {
    return known.own_version ? *known.own_version : version_;
  }
  // As it is known beyond the answer that it came with.
  KnownResource Kept(const KnownResource& known) const { return {known.item, VersionOf(known), known.updated_at}; }

  event::EventLoop& loop_;
  const config::ResourceType& type_;
  const SubscriptionRecords& asked_;
  Map known_;
  std::map<std::string, Rejected, std::less<>> rejected_;
  bool answered_all_ = false;
  // The last answer, as CompiledResponse numbers them; 0: there was none, or the difference to it does not tell all.
  uint64_t number_ = 0;
  std::string version_;
  // What of it did not take effect.
  std::set<std::string> refused_;
  // There was a wildcard at the last LetGo.
  bool was_wildcard_ = false;
};

}  // namespace nuncio::xds
