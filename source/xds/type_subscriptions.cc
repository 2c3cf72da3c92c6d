#include "source/xds/type_subscriptions.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "source/base/logging.h"
#include "source/base/strings.h"

namespace nuncio::xds {

using config::SubscriptionEvent;

namespace {

// How much is kept for later, where nobody reads statistics.
constexpr size_t kMaxLate = 256;

}  // namespace

// One subscription. Kept by whoever walks over the records, so that it may end within a callback.
struct TypeSubscriptions::Record {
  Record(TypeSubscriptions& subscriptions, config::ResourceWatcher& to)
      : owner(subscriptions),
        watcher(to),
        first_fetch(subscriptions.loop_, Delegate<void()>::Bind<&Record::OnFirstFetchTimeout>(this)) {}

  void OnFirstFetchTimeout() {
    // May end this record; the list keeps it until the call is over.
    const std::shared_ptr<Record> keep = self.lock();
    owner.FailRecord(*this, config::FetchFailure::kTimedOut, "no answer within initial_fetch_timeout");
  }

  TypeSubscriptions& owner;
  config::ResourceWatcher& watcher;
  // It has been told of all it asks for, and all of that is in force: of the type's events only those concern it that
  // concern it by name.
  bool complete() const { return first_done && !wildcard && !names.empty() && untold.empty(); }

  std::weak_ptr<Record> self;
  // In order of subscription.
  uint64_t number = 0;
  // Was complete at the last Settle, and is since.
  bool settled = false;
  // Of a settled one: how many of late_ it was told.
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
};

class TypeSubscriptions::Handle final : public config::Subscription {
 public:
  explicit Handle(std::shared_ptr<Record> record) : record_(std::move(record)) {}
  ~Handle() override { record_->owner.Remove(*record_); }

  void UpdateNames(std::vector<std::string> names) override {
    if (record_->wildcard) return;
    std::set<std::string> wanted(std::make_move_iterator(names.begin()), std::make_move_iterator(names.end()));
    if (wanted == record_->names) return;
    std::set<std::string> untold;
    for (const std::string& name : wanted) {
      if (!record_->names.contains(name) || record_->untold.contains(name)) untold.insert(name);
    }
    record_->owner.Unindex(*record_);
    record_->names = std::move(wanted);
    record_->untold = std::move(untold);
    record_->owner.Index(*record_);
    record_->owner.Unsettle(*record_);
    record_->owner.loop_.NextTurn(record_->owner.replay_);
    record_->owner.owner_.OnInterestChanged(record_->owner);
  }

 private:
  const std::shared_ptr<Record> record_;
};

TypeSubscriptions::TypeSubscriptions(event::EventLoop& loop, telemetry::StatsStore& stats,
                                     const config::ResourceType& type, Owner& owner)
    : loop_(loop),
      stats_(stats),
      type_(type),
      owner_(owner),
      replay_(Delegate<void()>::Bind<&TypeSubscriptions::OnReplay>(this)) {
  stats_.Add(*this);
}

TypeSubscriptions::~TypeSubscriptions() {
  NUNCIO_ASSERT(records_.empty());
  stats_.Remove(*this);
}

std::unique_ptr<config::Subscription> TypeSubscriptions::Add(std::chrono::nanoseconds first_fetch_timeout,
                                                             config::ResourceNames names,
                                                             config::ResourceWatcher& watcher) {
  auto record = std::make_shared<Record>(*this, watcher);
  record->self = record;
  record->number = ++last_number_;
  record->wildcard = names.wildcard;
  wildcards_ += names.wildcard;
  if (!names.wildcard) record->names.insert(names.names.begin(), names.names.end());
  record->untold = record->names;
  if (first_fetch_timeout.count() > 0) record->first_fetch.Arm(first_fetch_timeout);
  records_.push_back(record);
  unsettled_.push_back(record);
  Index(*record);
  loop_.NextTurn(replay_);
  owner_.OnInterestChanged(*this);
  return std::make_unique<Handle>(std::move(record));
}

void TypeSubscriptions::Remove(Record& record) {
  CatchUp(record);
  record.alive = false;
  record.first_fetch.Disarm();
  Unindex(record);
  wildcards_ -= record.wildcard;
  const auto is_it = [&record](const auto& each) { return each.get() == &record; };
  if (!record.settled) std::erase_if(unsettled_, is_it);
  std::erase_if(records_, is_it);
  owner_.OnInterestChanged(*this);
}

void TypeSubscriptions::Index(Record& record) {
  for (const std::string& name : record.names) by_name_.emplace(name, &record);
}

void TypeSubscriptions::Unindex(Record& record) {
  for (const std::string& name : record.names) by_name_.erase({name, &record});
}

template <typename Visit>
void TypeSubscriptions::ForEachNaming(std::string_view name, Visit&& visit) const {
  for (auto at = by_name_.lower_bound({name, nullptr}); at != by_name_.end() && at->first == name; ++at) {
    visit(*at->second);
  }
}

void TypeSubscriptions::Unsettle(Record& record) {
  if (!record.settled) return;
  CatchUp(record);
  record.settled = false;
  unsettled_.push_back(record.self.lock());
}

void TypeSubscriptions::Settle() {
  std::erase_if(unsettled_, [this](const auto& record) {
    if (!record->complete()) return false;
    record->settled = true;
    record->told = late_.size();
    return true;
  });
}

TypeSubscriptions::Records TypeSubscriptions::Concerned(const Change& change) const {
  if (!change.follows) return records_;
  Records out = unsettled_;
  for (const auto& [name, before] : change.added_before) {
    ForEachNaming(name, [&out](Record& record) {
      if (record.settled) out.push_back(record.self.lock());
    });
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a->number < b->number; });
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool TypeSubscriptions::waiting() const {
  return std::any_of(unsettled_.begin(), unsettled_.end(), [](const auto& record) { return !record->first_done; });
}

std::set<std::string> TypeSubscriptions::Names() const {
  std::set<std::string> names;
  for (const auto& [name, record] : by_name_) names.emplace_hint(names.end(), name);
  return names;
}

bool TypeSubscriptions::Named(std::string_view name) const {
  const auto at = by_name_.lower_bound({name, nullptr});
  return at != by_name_.end() && at->first == name;
}

std::string TypeSubscriptions::Apply(const CompiledResponse& response) {
  const auto began = loop_.FreshNow();
  Change change;
  change.version = response.version;
  change.follows = Follows(response);
  const std::string version_before = version_;
  if (change.follows) {
    TakeDifference(response, change);
    version_ = response.version;
  } else {
    LeaveAnswer();
    Take(response, change);
  }
  for (const auto& record : Concerned(change)) Deliver(*record, change);
  TakeBack(change);
  NoteRejections(change);
  answered_ = answered_ || wildcard();
  if (change.refused.empty() && change.nameless.empty() && known_.size() == response.items.size()) {
    in_force_ = response.number;
    version_ = response.version;
  } else if (change.follows) {
    LeaveAnswer();
    for (const auto& [name, lines] : change.refused) {
      const bool stayed =
          change.faulty.contains(name) || change.added_before.contains(name) || change.removed_before.contains(name);
      if (const auto kept = known_.find(name); stayed && kept != known_.end()) kept->second.version = version_before;
    }
  }
  TellResult(response, change, began);
  std::string faults = std::move(change.nameless);
  for (const auto& [name, lines] : change.refused) {
    if (!faults.empty()) faults += '\n';
    faults += lines;
  }
  return faults;
}

bool TypeSubscriptions::Follows(const CompiledResponse& response) const {
  if (!response.difference.has_value() || in_force_ == 0 || response.difference->since != in_force_) return false;
  if (!response.difference->gone.empty() && !(type_.absence_is_removal() && wildcard())) return false;
  // Of a new name it is to be found out whether anybody asked for it.
  return wildcard() || std::all_of(response.difference->changed.begin(), response.difference->changed.end(),
                                   [&](size_t index) { return known_.contains(response.items[index]->name); });
}

void TypeSubscriptions::TellResult(const CompiledResponse& response, const Change& change, MonotonicTime began) {
  const auto took = loop_.FreshNow() - began;
  const auto at = std::chrono::time_point_cast<std::chrono::system_clock::duration>(loop_.SystemNow());
  const SubscriptionEvent taken{SubscriptionEvent::Kind::kTaken, response.version, at, took};
  const SubscriptionEvent refused{SubscriptionEvent::Kind::kRefused};
  const auto names_any = [](const Record& record, const auto& of) {
    return std::any_of(record.names.begin(), record.names.end(), [&](const auto& name) { return of.contains(name); });
  };
  const auto tell = [&](Record& record, const auto& answered) {
    const bool some_refused = record.wildcard ? !change.refused.empty() || !change.nameless.empty()
                                              : names_any(record, change.refused);
    if (some_refused) {
      TellOne(record, refused);
    } else if (record.wildcard || names_any(record, answered)) {
      TellOne(record, taken);
    }
  };
  Settle();
  if (change.follows) {
    // What was answered and not refused is known_, of which settled records have all they name.
    for (const auto& [name, lines] : change.refused) {
      ForEachNaming(name, [this](Record& record) { Unsettle(record); });
    }
    for (const auto& record : unsettled_) tell(*record, known_);
    return TellSettled(taken);
  }
  absl::flat_hash_set<std::string_view> answered;
  if (records_.size() > wildcards_) {
    for (const auto& item : response.items) answered.insert(item->name);
  }
  CatchUp();
  for (const auto& record : records_) tell(*record, answered);
}

void TypeSubscriptions::TellOne(Record& record, const SubscriptionEvent& event) {
  record.watcher.OnSubscriptionEvents({&event, 1});
}

void TypeSubscriptions::TellSettled(SubscriptionEvent event) {
  if (unsettled_.size() == records_.size()) return;
  if (late_.size() >= kMaxLate) CatchUp();
  late_.push_back(std::move(event));
}

void TypeSubscriptions::CatchUp() {
  if (late_.empty()) return;
  for (const auto& record : records_) {
    CatchUp(*record);
    record->told = 0;
  }
  late_.clear();
}

void TypeSubscriptions::CatchUp(Record& record) {
  if (!record.settled || record.told == late_.size()) return;
  record.watcher.OnSubscriptionEvents(std::span(late_).subspan(record.told));
  record.told = late_.size();
}

void TypeSubscriptions::LeaveAnswer() {
  if (std::exchange(in_force_, 0) == 0) return;
  for (auto& [name, known] : known_) known.version = version_;
}

void TypeSubscriptions::ApplySaved(const CompiledResponse& response) {
  LeaveAnswer();
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

// Brings known_ to what the answer says, as far as the answer is good by itself.
void TypeSubscriptions::Take(const CompiledResponse& response, Change& change) {
  std::map<std::string_view, size_t> count;
  for (const auto& item : response.items) ++count[item->name];
  const bool all = wildcard();
  for (size_t i = 0; i < response.items.size(); ++i) {
    const auto& item = response.items[i];
    const std::string& version = response.item_versions.empty() ? response.version : response.item_versions[i];
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
    TakeItem(item, version, change);
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

void TypeSubscriptions::PutKnown(Known known) {
  const std::string_view name = known.item->name;
  known_.erase(name);
  known_.emplace(name, std::move(known));
}

void TypeSubscriptions::TakeItem(const std::shared_ptr<const CompiledItem>& item, const std::string& version,
                                 Change& change) {
  const auto known = known_.find(item->name);
  if (known == known_.end()) {
    change.added_before.emplace(item->name, Known{});
    PutKnown({item, version, loop_.SystemNow()});
    return;
  }
  if (change.saved) return;
  if (known->second.item == item || *known->second.item->bytes == *item->bytes) {
    known->second.version = version;
    rejected_.erase(item->name);
    return;
  }
  change.added_before.emplace(item->name, known->second);
  PutKnown({item, version, loop_.SystemNow()});
}

void TypeSubscriptions::TakeDifference(const CompiledResponse& response, Change& change) {
  for (const size_t index : response.difference->changed) {
    const auto& item = response.items[index];
    if (item->compiled == nullptr) {
      change.faulty.insert(item->name);
      Refuse(change, item->name, *item->faults);
    } else {
      TakeItem(item, response.version, change);
    }
  }
  for (const std::string& name : response.difference->gone) {
    const auto known = known_.find(name);
    if (known == known_.end()) continue;
    change.removed_before.emplace(name, std::move(known->second));
    known_.erase(known);
  }
}

void TypeSubscriptions::Deliver(Record& record, Change& change) {
  if (!record.alive) return;
  config::ResourceUpdate update;
  update.version = change.version;
  if (record.wildcard) {
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
    return;
  }
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
  ForEachNaming(name, [&](Record& record) {
    record.untold.insert(name);
    Unsettle(record);
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
  const Records records = unsettled_;
  for (const auto& record : records) {
    if (record->alive) Replay(*record);
  }
  Settle();
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
  const Records records = unsettled_;
  for (const auto& record : records) {
    if (record->alive && !record->first_done) FailRecord(*record, failure, reason);
  }
}

void TypeSubscriptions::FailRecord(Record& record, config::FetchFailure failure, std::string_view reason) {
  if (record.first_done) return;
  record.first_done = true;
  record.first_fetch.Disarm();
  record.timed_out = failure == config::FetchFailure::kTimedOut;
  record.watcher.OnFirstFetchFailed(failure, reason);
  if (record.alive && record.timed_out) TellOne(record, {SubscriptionEvent::Kind::kTimedOut});
}

void TypeSubscriptions::Tell(SubscriptionEvent::Kind kind) {
  for (const auto& record : unsettled_) TellOne(*record, {kind});
  TellSettled({kind});
}

std::vector<std::string> TypeSubscriptions::DropUnnamed() {
  std::vector<std::string> dropped;
  if (wildcard()) return dropped;
  answered_ = false;
  std::erase_if(rejected_, [this](const auto& entry) { return !Named(entry.first); });
  for (auto at = known_.begin(); at != known_.end();) {
    if (Named(at->first)) {
      ++at;
      continue;
    }
    LeaveAnswer();
    dropped.emplace_back(at->first);
    at = known_.erase(at);
  }
  return dropped;
}

std::vector<SavedResource> TypeSubscriptions::Current() const {
  std::vector<SavedResource> out;
  out.reserve(known_.size());
  for (const auto& [name, known] : known_) out.push_back({std::string(name), VersionOf(known), known.item->bytes});
  return out;
}

std::vector<ResourceStatus> TypeSubscriptions::Statuses() const {
  std::map<std::string, ResourceStatus> all;
  for (const auto& record : records_) {
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
