#include "source/xds/type_subscriptions.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "source/base/logging.h"
#include "source/base/strings.h"

namespace nuncio::xds {

using config::SubscriptionEvent;

class TypeSubscriptions::Handle final : public config::Subscription {
 public:
  Handle(TypeSubscriptions& subscriptions, std::shared_ptr<Record> record)
      : subscriptions_(subscriptions), record_(std::move(record)) {}
  ~Handle() override { subscriptions_.Remove(*record_); }

  void UpdateNames(std::vector<std::string> names) override {
    if (record_->wildcard) return;
    std::set<std::string> wanted(std::make_move_iterator(names.begin()), std::make_move_iterator(names.end()));
    if (wanted == record_->names) return;
    subscriptions_.records_.Rename(*record_, std::move(wanted));
    subscriptions_.loop_.NextTurn(subscriptions_.replay_);
    subscriptions_.owner_.OnInterestChanged(subscriptions_);
  }

 private:
  TypeSubscriptions& subscriptions_;
  const std::shared_ptr<Record> record_;
};

TypeSubscriptions::TypeSubscriptions(event::EventLoop& loop, telemetry::StatsStore& stats,
                                     const config::ResourceType& type, Owner& owner)
    : loop_(loop),
      type_(type),
      owner_(owner),
      records_(stats),
      replay_(Delegate<void()>::Bind<&TypeSubscriptions::OnReplay>(this)) {}

TypeSubscriptions::~TypeSubscriptions() { NUNCIO_ASSERT(records_.empty()); }

std::unique_ptr<config::Subscription> TypeSubscriptions::Add(std::chrono::nanoseconds first_fetch_timeout,
                                                             config::ResourceNames names,
                                                             config::ResourceWatcher& watcher) {
  auto record = std::make_shared<Record>(
      loop_, watcher, Delegate<void(Record&)>::Bind<&TypeSubscriptions::OnFirstFetchTimeout>(this));
  record->wildcard = names.wildcard;
  if (!names.wildcard) record->names.insert(names.names.begin(), names.names.end());
  record->untold = record->names;
  if (first_fetch_timeout.count() > 0) record->first_fetch.Arm(first_fetch_timeout);
  // What nobody named was passed over.
  if (names.wildcard && !wildcard()) number_ = 0;
  records_.Add(record);
  loop_.NextTurn(replay_);
  owner_.OnInterestChanged(*this);
  return std::make_unique<Handle>(*this, std::move(record));
}

void TypeSubscriptions::Remove(Record& record) {
  records_.Remove(record);
  owner_.OnInterestChanged(*this);
}

std::string TypeSubscriptions::Apply(const CompiledResponse& response, InForceChange* in_force) {
  const auto began = loop_.FreshNow();
  Change change;
  change.version = response.version;
  change.follows = number_ != 0 && response.difference.has_value() && response.difference->since == number_;
  if (change.follows) {
    TakeDifference(response, change);
  } else {
    records_.TakeUnanswered();
    Take(response, change);
  }
  number_ = response.number;
  version_ = response.version;
  for (const auto& record : Concerned(change)) Deliver(*record, change);
  TakeBack(change);
  NoteRejections(change);
  answered_ = answered_ || wildcard();
  TellResult(response, change, began);
  if (in_force != nullptr) *in_force = InForceAfter(change);
  std::string faults = std::move(change.nameless);
  refused_.clear();
  for (const auto& [name, lines] : change.refused) {
    if (!faults.empty()) faults += '\n';
    faults += lines;
    refused_.insert(name);
  }
  return faults;
}

void TypeSubscriptions::TellResult(const CompiledResponse& response, const Change& change, MonotonicTime began) {
  const auto took = loop_.FreshNow() - began;
  const auto at = std::chrono::time_point_cast<std::chrono::system_clock::duration>(loop_.SystemNow());
  const SubscriptionEvent taken{SubscriptionEvent::Kind::kTaken, response.version, at, took};
  const SubscriptionEvent refused{SubscriptionEvent::Kind::kRefused};
  const auto tell = [&](Record& record, const auto& answered) {
    const auto refuses = [&](const std::string& name) { return change.refused.contains(name); };
    const bool some_refused = record.wildcard
                                  ? !change.refused.empty() || !change.nameless.empty()
                                  : std::any_of(record.names.begin(), record.names.end(), refuses);
    if (some_refused) {
      SubscriptionRecords::Tell(record, refused);
    } else if (record.wildcard || std::any_of(record.names.begin(), record.names.end(), answered)) {
      SubscriptionRecords::Tell(record, taken);
    }
  };
  SettleRecords();
  if (change.follows) {
    for (const auto& [name, lines] : change.refused) {
      records_.ForEachNaming(name, [this](Record& record) { records_.Unsettle(record); });
    }
    const auto answered = [&](const std::string& name) { return response.Find(name) != nullptr; };
    for (const auto& [number, record] : records_.unsettled()) tell(*record, answered);
    return records_.TellSettled(taken);
  }
  absl::flat_hash_set<std::string_view> names;
  if (records_.by_name()) {
    for (const auto& item : response.items) names.insert(item->name);
  }
  const auto answered = [&](const std::string& name) { return names.contains(name); };
  for (const auto& [number, record] : records_.all()) tell(*record, answered);
}

bool TypeSubscriptions::AsAnswered(const std::string& name) const {
  const auto known = known_.find(name);
  return known != known_.end() && !known->second.own_version.has_value();
}

void TypeSubscriptions::SettleRecords() {
  records_.Settle([this](const Record& record) {
    return record.by_name_only() && std::all_of(record.names.begin(), record.names.end(),
                                                [this](const std::string& name) { return AsAnswered(name); });
  });
}

SubscriptionRecords::List TypeSubscriptions::Concerned(const Change& change) const {
  if (!change.follows) return SubscriptionRecords::Copy(records_.all());
  std::vector<std::string_view> names;
  for (const auto& [name, before] : change.added_before) names.push_back(name);
  return records_.Concerned(names);
}

void TypeSubscriptions::ApplySaved(const CompiledResponse& response) {
  Change change;
  change.version = response.version;
  change.saved = true;
  Take(response, change);
  for (const auto& record : Concerned(change)) Deliver(*record, change);
  TakeBack(change);
  for (const auto& [name, lines] : change.refused) {
    NUNCIO_LOG(kConfig, kWarning, "kept from an earlier run, and refused: ", lines);
  }
}

void TypeSubscriptions::Take(const CompiledResponse& response, Change& change) {
  records_.UnsettleAll();
  for (auto& [name, known] : known_) known = Kept(known);
  std::map<std::string_view, size_t> count;
  for (const auto& item : response.items) ++count[item->name];
  const bool all = wildcard();
  for (size_t i = 0; i < response.items.size(); ++i) {
    const auto& item = response.items[i];
    if (item->name.empty()) {
      StrAppend(change.nameless, change.nameless.empty() ? "" : "\n",
                item->faults->ToString(StrCat(ShortTypeName(type_.type_url()), " resources[", i, "]")));
      continue;
    }
    if (count[item->name] > 1) {
      if (change.refused.contains(item->name)) continue;
      config::Faults faults;
      faults.Add("name", StrCat("is that of ", count[item->name], " resources of this answer"));
      Refuse(change, item->name, faults);
      continue;
    }
    if (item->compiled == nullptr) {
      Refuse(change, item->name, *item->faults);
      continue;
    }
    // A server may send more than was asked for.
    if (!all && !Named(item->name)) continue;
    TakeItem(item, response.item_versions.empty() ? std::nullopt : std::optional(response.item_versions[i]), change);
  }
  // What has no name may be any of those that seem absent.
  if (change.saved || !all || !type_.absence_is_removal() || !change.nameless.empty()) return;
  for (auto at = known_.begin(); at != known_.end();) {
    if (count.contains(at->first)) {
      ++at;
      continue;
    }
    change.removed_before.emplace(std::string(at->first), std::move(at->second));
    at = known_.erase(at);
  }
}

void TypeSubscriptions::TakeDifference(const CompiledResponse& response, Change& change) {
  // With what did not take effect before and what nobody asked for then.
  std::set<std::string>& names = change.looked_at;
  names = records_.TakeUnanswered();
  names.insert(refused_.begin(), refused_.end());
  names.insert(response.difference->gone.begin(), response.difference->gone.end());
  for (const size_t index : response.difference->changed) names.insert(response.items[index]->name);
  for (const std::string& name : names) {
    const std::shared_ptr<const CompiledItem>* item = response.Find(name);
    if (item == nullptr) {
      TakeAbsence(name, change);
    } else if ((*item)->compiled == nullptr) {
      if (const auto known = known_.find(name); known != known_.end()) Keep(known->second);
      Refuse(change, name, *(*item)->faults);
    } else if (wildcard() || Named(name)) {
      TakeItem(*item, std::nullopt, change);
    } else if (const auto known = known_.find(name); known != known_.end()) {
      Keep(known->second);
    }
  }
}

void TypeSubscriptions::TakeAbsence(const std::string& name, Change& change) {
  const auto known = known_.find(name);
  if (known == known_.end()) return;
  if (!wildcard() || !type_.absence_is_removal()) return Keep(known->second);
  change.removed_before.emplace(name, Kept(known->second));
  known_.erase(known);
}

void TypeSubscriptions::Keep(Known& known) {
  known = Kept(known);
  records_.ForEachNaming(known.item->name, [this](Record& record) { records_.Unsettle(record); });
}

void TypeSubscriptions::PutKnown(Known known) {
  const std::string_view name = known.item->name;
  known_.erase(name);
  known_.emplace(name, std::move(known));
}

void TypeSubscriptions::TakeItem(const std::shared_ptr<const CompiledItem>& item,
                                 std::optional<std::string> own_version, Change& change) {
  const auto known = known_.find(item->name);
  if (known == known_.end()) {
    change.added_before.emplace(item->name, Known{});
    PutKnown({item, std::move(own_version), loop_.SystemNow()});
    return;
  }
  if (change.saved) return;
  if (known->second.item == item || *known->second.item->bytes == *item->bytes) {
    known->second.own_version = std::move(own_version);
    rejected_.erase(item->name);
    return;
  }
  change.added_before.emplace(item->name, Kept(known->second));
  PutKnown({item, std::move(own_version), loop_.SystemNow()});
}

void TypeSubscriptions::Deliver(Record& record, Change& change) {
  if (!record.alive) return;
  if (record.wildcard) return DeliverAll(record, change);
  config::ResourceUpdate update;
  update.version = change.version;
  bool refused = false;
  for (const std::string& name : record.names) {
    const bool bad = change.refused.contains(name);
    refused = refused || bad;
    if (bad || !known_.contains(name)) continue;
    if (change.added_before.contains(name) || record.untold.contains(name)) {
      update.added_or_changed.push_back(Decoded(name));
    }
  }
  if (!update.added_or_changed.empty()) {
    CallUpdate(record, update, change);
  } else if (refused && !record.first_done && !change.saved) {
    FailRecord(record, config::FetchFailure::kRefused, "what the control plane sent was refused");
  }
}

void TypeSubscriptions::DeliverAll(Record& record, Change& change) {
  config::ResourceUpdate update;
  update.version = change.version;
  // A watcher before this one may have refused it.
  const auto add = [&](const std::string& name) {
    if (!change.refused.contains(name) || !change.added_before.contains(name)) {
      update.added_or_changed.push_back(Decoded(name));
    }
  };
  if (record.caught_up) {
    for (const auto& [name, before] : change.added_before) add(name);
  } else {
    for (const auto& [name, known] : known_) add(std::string(name));
  }
  for (const auto& [name, before] : change.removed_before) update.removed.push_back(name);
  const bool news = !update.added_or_changed.empty() || !update.removed.empty();
  // Kept resources that are none are no answer.
  if (news || (!record.first_done && !change.saved)) CallUpdate(record, update, change);
}

void TypeSubscriptions::CallUpdate(Record& record, const config::ResourceUpdate& update, Change& change) {
  record.first_done = true;
  record.caught_up = true;
  record.timed_out = false;
  record.first_fetch.Disarm();
  for (const auto& resource : update.added_or_changed) record.untold.erase(resource.name);
  config::UpdateResult result;
  record.watcher.OnUpdate(update, result);
  for (const auto& refusal : result.refusals()) Refuse(change, refusal.name, refusal.faults);
}

void TypeSubscriptions::Refuse(Change& change, const std::string& name, const config::Faults& faults) {
  std::string& lines = change.refused[name];
  if (!lines.empty()) lines += '\n';
  lines += faults.ToString(StrCat(ShortTypeName(type_.type_url()), " ", config::Quote(name)));
}

void TypeSubscriptions::TakeBack(const Change& change) {
  for (const auto& [name, lines] : change.refused) {
    if (const auto added = change.added_before.find(name); added != change.added_before.end()) {
      if (added->second.item == nullptr) {
        known_.erase(name);
        Lost(name);
      } else {
        PutKnown(added->second);
      }
    } else if (const auto removed = change.removed_before.find(name); removed != change.removed_before.end()) {
      PutKnown(removed->second);
    }
  }
  for (const auto& [name, before] : change.removed_before) {
    if (!known_.contains(name)) Lost(name);
  }
}

void TypeSubscriptions::Lost(const std::string& name) {
  records_.ForEachNaming(name, [&](Record& record) {
    record.untold.insert(name);
    records_.Unsettle(record);
  });
}

void TypeSubscriptions::NoteRejections(const Change& change) {
  // A wildcard answer says all there is to say; elsewhere older refusals stand until the resource comes again.
  if (wildcard()) rejected_.clear();
  for (const auto& [name, before] : change.added_before) rejected_.erase(name);
  for (const auto& [name, lines] : change.refused) {
    if (wildcard() || Named(name)) rejected_[name] = Rejected{lines, change.version, loop_.SystemNow()};
  }
}

config::DecodedResource TypeSubscriptions::Decoded(const std::string& name) const {
  const Known& known = known_.at(name);
  return {name, VersionOf(known), known.item->compiled, known.item->bytes};
}

void TypeSubscriptions::OnReplay() {
  for (const auto& record : SubscriptionRecords::Copy(records_.unsettled())) {
    if (record->alive) Replay(*record);
  }
  SettleRecords();
}

void TypeSubscriptions::Replay(Record& record) {
  config::ResourceUpdate update;
  Change change;
  if (record.wildcard) {
    if (record.caught_up || (!answered_ && known_.empty())) return;
    for (const auto& [name, known] : known_) update.added_or_changed.push_back(Decoded(std::string(name)));
  } else {
    for (const std::string& name : record.untold) {
      if (known_.contains(name)) update.added_or_changed.push_back(Decoded(name));
    }
    if (update.added_or_changed.empty()) return;
  }
  if (!update.added_or_changed.empty()) update.version = update.added_or_changed.front().version;
  CallUpdate(record, update, change);
  // Others have it in force: there is nobody to refuse it to.
  for (const auto& [name, lines] : change.refused) NUNCIO_LOG(kConfig, kWarning, lines);
}

void TypeSubscriptions::FailFirst(config::FetchFailure failure, std::string_view reason) {
  for (const auto& record : SubscriptionRecords::Copy(records_.unsettled())) {
    if (record->alive && !record->first_done) FailRecord(*record, failure, reason);
  }
}

void TypeSubscriptions::OnFirstFetchTimeout(Record& record) {
  FailRecord(record, config::FetchFailure::kTimedOut, "no answer within initial_fetch_timeout");
}

void TypeSubscriptions::FailRecord(Record& record, config::FetchFailure failure, std::string_view reason) {
  if (record.first_done) return;
  record.first_done = true;
  record.first_fetch.Disarm();
  record.timed_out = failure == config::FetchFailure::kTimedOut;
  record.watcher.OnFirstFetchFailed(failure, reason);
  if (record.alive && record.timed_out) SubscriptionRecords::Tell(record, {SubscriptionEvent::Kind::kTimedOut});
}

void TypeSubscriptions::Tell(SubscriptionEvent::Kind kind) {
  for (const auto& [number, record] : records_.unsettled()) SubscriptionRecords::Tell(*record, {kind});
  records_.TellSettled({kind});
}

NameChanges TypeSubscriptions::TakeNameChanges() {
  NameChanges changes = records_.TakeNameChanges();
  const bool was_wildcard = std::exchange(was_wildcard_, wildcard());
  if (wildcard()) return changes;
  answered_ = false;
  if (was_wildcard) {
    number_ = 0;
    std::erase_if(known_, [&](const auto& entry) {
      if (Named(entry.first)) return false;
      changes.went.emplace(entry.first);
      return true;
    });
    std::erase_if(rejected_, [this](const auto& entry) { return !Named(entry.first); });
  }
  for (const std::string& name : changes.went) {
    known_.erase(name);
    rejected_.erase(name);
  }
  return changes;
}

InForceChange TypeSubscriptions::InForceAfter(const Change& change) const {
  InForceChange out;
  out.version = version_;
  const auto put = [&out](const Known& known) {
    out.in_force.push_back({known.item->name, known.own_version, known.item->bytes});
  };
  if (!change.follows) {
    out.complete = wildcard();
    for (const auto& [name, known] : known_) put(known);
    return out;
  }
  for (const std::string& name : change.looked_at) {
    if (const auto known = known_.find(name); known != known_.end()) put(known->second);
  }
  for (const auto& [name, before] : change.removed_before) {
    if (!known_.contains(name)) out.gone.push_back(name);
  }
  return out;
}

std::set<std::string> TypeSubscriptions::Missing() const {
  std::set<std::string> out;
  for (const auto& [number, record] : records_.all()) {
    for (const std::string& name : record->names) {
      if (!known_.contains(name)) out.insert(name);
    }
  }
  return out;
}

std::vector<ResourceStatus> TypeSubscriptions::Statuses() const {
  std::map<std::string, ResourceStatus> all;
  for (const auto& [number, record] : records_.all()) {
    for (const std::string& name : record->names) {
      ResourceStatus& status = all[name];
      if (record->timed_out) status.state = ResourceStatus::State::kDoesNotExist;
    }
  }
  for (const auto& [name, known] : known_) {
    ResourceStatus& status = all[std::string(name)];
    status.state = ResourceStatus::State::kAcked;
    status.version = VersionOf(known);
    status.updated_at = known.updated_at;
  }
  for (const auto& [name, rejected] : rejected_) {
    ResourceStatus& status = all[name];
    status.state = ResourceStatus::State::kNacked;
    status.error = rejected.error;
    status.rejected_version = rejected.version;
    status.rejected_at = rejected.at;
  }
  std::vector<ResourceStatus> out;
  out.reserve(all.size());
  for (auto& [name, status] : all) {
    status.name = name;
    out.push_back(std::move(status));
  }
  return out;
}

}  // namespace nuncio::xds
