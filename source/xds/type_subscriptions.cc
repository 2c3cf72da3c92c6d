#include "source/xds/type_subscriptions.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "source/base/logging.h"

namespace nuncio::xds {

using config::SubscriptionEvent;

namespace {

// `answered(name)`: whether the answer has a resource of that name.
template <typename Answered>
void TellResultTo(SubscriptionRecord& record, const TakenAnswer& answer, const SubscriptionEvent& taken,
                  const Answered& answered) {
  const auto refused = [&](const std::string& name) { return answer.refused.contains(name); };
  if (record.wildcard ? answer.any_refused() : std::any_of(record.names.begin(), record.names.end(), refused)) {
    SubscriptionRecords::Tell(record, {SubscriptionEvent::Kind::kRefused});
  } else if (record.wildcard || std::any_of(record.names.begin(), record.names.end(), answered)) {
    SubscriptionRecords::Tell(record, taken);
  }
}

}  // namespace

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
      in_force_(loop, type, records_),
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
  if (names.wildcard && !wildcard()) in_force_.ExpectWhole();
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
  TakenAnswer answer = in_force_.Take(response, records_.TakeUnanswered());
  Deliver(answer);
  in_force_.Conclude(answer);
  TellResult(response, answer, began);
  if (in_force != nullptr) *in_force = in_force_.ChangeBy(answer);
  return answer.Faults();
}

void TypeSubscriptions::ApplySaved(const CompiledResponse& response) {
  TakenAnswer answer = in_force_.TakeSaved(response);
  Deliver(answer);
  for (const auto& [name, lines] : answer.refused) {
    NUNCIO_LOG(kConfig, kWarning, "kept from an earlier run, and refused: ", lines);
  }
}

void TypeSubscriptions::Deliver(TakenAnswer& answer) {
  if (answer.follows) {
    for (const std::string& name : answer.kept) UnsettleNaming(name);
  } else {
    records_.UnsettleAll();
  }
  for (const auto& record : Concerned(answer)) DeliverTo(*record, answer);
  in_force_.TakeBack(answer);
  for (const std::string& name : answer.lost) {
    records_.ForEachNaming(name, [&](Record& record) { record.untold.insert(name); });
    UnsettleNaming(name);
  }
}

SubscriptionRecords::List TypeSubscriptions::Concerned(const TakenAnswer& answer) const {
  if (!answer.follows) return SubscriptionRecords::Copy(records_.all());
  std::vector<std::string_view> names;
  for (const auto& [name, before] : answer.added_before) names.push_back(name);
  return records_.Concerned(names);
}

void TypeSubscriptions::DeliverTo(Record& record, TakenAnswer& answer) {
  if (!record.alive) return;
  if (record.wildcard) return DeliverAllTo(record, answer);
  config::ResourceUpdate update;
  update.version = answer.version;
  bool refused = false;
  for (const std::string& name : record.names) {
    const bool bad = answer.refused.contains(name);
    refused = refused || bad;
    if (bad || !in_force_.Has(name)) continue;
    if (answer.added_before.contains(name) || record.untold.contains(name)) {
      update.added_or_changed.push_back(in_force_.Get(name));
    }
  }
  if (!update.added_or_changed.empty()) {
    CallUpdate(record, update, answer);
  } else if (refused && !record.first_done && !answer.saved) {
    FailRecord(record, config::FetchFailure::kRefused, "what the control plane sent was refused");
  }
}

void TypeSubscriptions::DeliverAllTo(Record& record, TakenAnswer& answer) {
  config::ResourceUpdate update;
  update.version = answer.version;
  // A watcher before this one may have refused it.
  const auto add = [&](const std::string& name) {
    if (!answer.refused.contains(name) || !answer.added_before.contains(name)) {
      update.added_or_changed.push_back(in_force_.Get(name));
    }
  };
  if (record.caught_up) {
    for (const auto& [name, before] : answer.added_before) add(name);
  } else {
    for (const auto& [name, known] : in_force_.all()) add(std::string(name));
  }
  for (const auto& [name, before] : answer.removed_before) update.removed.push_back(name);
  const bool news = !update.added_or_changed.empty() || !update.removed.empty();
  // Kept resources that are none are no answer.
  if (news || (!record.first_done && !answer.saved)) CallUpdate(record, update, answer);
}

void TypeSubscriptions::CallUpdate(Record& record, const config::ResourceUpdate& update, TakenAnswer& answer) {
  record.first_done = true;
  record.caught_up = true;
  record.timed_out = false;
  record.first_fetch.Disarm();
  for (const auto& resource : update.added_or_changed) record.untold.erase(resource.name);
  config::UpdateResult result;
  record.watcher.OnUpdate(update, result);
  for (const auto& refusal : result.refusals()) answer.Refuse(refusal.name, refusal.faults);
}

void TypeSubscriptions::TellResult(const CompiledResponse& response, const TakenAnswer& answer, MonotonicTime began) {
  const auto took = loop_.FreshNow() - began;
  const auto at = std::chrono::time_point_cast<std::chrono::system_clock::duration>(loop_.SystemNow());
  const SubscriptionEvent taken{SubscriptionEvent::Kind::kTaken, response.version, at, took};
  SettleRecords();
  if (answer.follows) {
    for (const auto& [name, lines] : answer.refused) UnsettleNaming(name);
    const auto answered = [&](const std::string& name) { return response.Find(name) != nullptr; };
    for (const auto& [number, record] : records_.unsettled()) TellResultTo(*record, answer, taken, answered);
    return records_.TellSettled(taken);
  }
  absl::flat_hash_set<std::string_view> names;
  if (records_.by_name()) {
    for (const auto& item : response.items) names.insert(item->name);
  }
  const auto answered = [&](const std::string& name) { return names.contains(name); };
  for (const auto& [number, record] : records_.all()) TellResultTo(*record, answer, taken, answered);
}

void TypeSubscriptions::SettleRecords() {
  records_.Settle([this](const Record& record) {
    return record.by_name_only() && std::all_of(record.names.begin(), record.names.end(),
                                                [this](const std::string& name) { return in_force_.AsAnswered(name); });
  });
}

void TypeSubscriptions::UnsettleNaming(const std::string& name) {
  records_.ForEachNaming(name, [this](Record& record) { records_.Unsettle(record); });
}

void TypeSubscriptions::OnReplay() {
  for (const auto& record : SubscriptionRecords::Copy(records_.unsettled())) {
    if (record->alive) Replay(*record);
  }
  SettleRecords();
}

void TypeSubscriptions::Replay(Record& record) {
  config::ResourceUpdate update;
  if (record.wildcard) {
    if (record.caught_up || (!in_force_.answered_all() && in_force_.all().empty())) return;
    for (const auto& [name, known] : in_force_.all()) {
      update.added_or_changed.push_back(in_force_.Get(std::string(name)));
    }
  } else {
    for (const std::string& name : record.untold) {
      if (in_force_.Has(name)) update.added_or_changed.push_back(in_force_.Get(name));
    }
    if (update.added_or_changed.empty()) return;
  }
  if (!update.added_or_changed.empty()) update.version = update.added_or_changed.front().version;
  TakenAnswer none(type_, update.version);
  CallUpdate(record, update, none);
  // Others have it in force: there is nobody to refuse it to.
  for (const auto& [name, lines] : none.refused) NUNCIO_LOG(kConfig, kWarning, lines);
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
  in_force_.LetGo(changes.went);
  return changes;
}

std::set<std::string> TypeSubscriptions::Missing() const {
  std::set<std::string> out;
  for (const auto& [number, record] : records_.all()) {
    for (const std::string& name : record->names) {
      if (!in_force_.Has(name)) out.insert(name);
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
  in_force_.AddStatuses(all);
  std::vector<ResourceStatus> out;
  out.reserve(all.size());
  for (auto& [name, status] : all) {
    status.name = name;
    out.push_back(std::move(status));
  }
  return out;
}

}  // namespace nuncio::xds
