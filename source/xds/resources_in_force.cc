#include "source/xds/resources_in_force.h"

#include <utility>

#include "source/base/strings.h"

namespace nuncio::xds {

TakenAnswer ResourcesInForce::Take(const CompiledResponse& response, std::set<std::string> unanswered) {
  TakenAnswer answer(type_, response.version);
  answer.follows = number_ != 0 && response.difference.has_value() && response.difference->since == number_;
  if (answer.follows) {
    answer.looked_at = std::move(unanswered);
    TakeDifference(response, answer);
  } else {
    TakeWhole(response, answer);
  }
  number_ = response.number;
  version_ = response.version;
  return answer;
}

TakenAnswer ResourcesInForce::TakeSaved(const CompiledResponse& response) {
  TakenAnswer answer(type_, response.version);
  answer.saved = true;
  TakeWhole(response, answer);
  return answer;
}

void ResourcesInForce::TakeWhole(const CompiledResponse& response, TakenAnswer& answer) {
  for (auto& [name, known] : known_) known = Kept(known);
  std::map<std::string_view, size_t> count;
  for (const auto& item : response.items) ++count[item->name];
  for (size_t i = 0; i < response.items.size(); ++i) {
    const auto& item = response.items[i];
    if (item->name.empty()) {
      answer.RefuseNameless(i, *item->faults);
    } else if (const size_t same = count[item->name]; same > 1) {
      if (answer.refused.contains(item->name)) continue;
      config::Faults faults;
      faults.Add("name", StrCat("is that of ", same, " resources of this answer"));
      answer.Refuse(item->name, faults);
    } else if (item->compiled == nullptr) {
      if (!item->heartbeat()) answer.Refuse(item->name, *item->faults);
    } else if (AsksFor(item->name)) {
      // A server may send more than was asked for.
      TakeItem(item, response.item_versions.empty() ? std::nullopt : std::optional(response.item_versions[i]), answer);
    }
  }
  // What has no name may be any of those that seem absent.
  if (answer.saved || !AbsenceIsRemoval() || !answer.nameless.empty()) return;
  for (auto at = known_.begin(); at != known_.end();) {
    if (count.contains(at->first)) {
      ++at;
      continue;
    }
    answer.removed_before.emplace(std::string(at->first), std::move(at->second));
    at = known_.erase(at);
  }
}

void ResourcesInForce::TakeDifference(const CompiledResponse& response, TakenAnswer& answer) {
  // With what did not take effect before and what nobody asked for then.
  std::set<std::string>& names = answer.looked_at;
  names.insert(refused_.begin(), refused_.end());
  names.insert(response.difference->gone.begin(), response.difference->gone.end());
  for (const size_t index : response.difference->changed) names.insert(response.items[index]->name);
  for (const std::string& name : names) {
    const CompiledItemPtr* item = response.Find(name);
    if (item == nullptr) {
      TakeAbsence(name, answer);
    } else if ((*item)->compiled == nullptr) {
      Keep(name, answer);
      if (!(*item)->heartbeat()) answer.Refuse(name, *(*item)->faults);
    } else if (AsksFor(name)) {
      TakeItem(*item, std::nullopt, answer);
    } else {
      Keep(name, answer);
    }
  }
}

void ResourcesInForce::TakeItem(const CompiledItemPtr& item, std::optional<std::string> own_version,
                                TakenAnswer& answer) {
  const auto known = known_.find(item->name);
  if (known == known_.end()) {
    answer.added_before.emplace(item->name, KnownResource{});
    Put({item, std::move(own_version), loop_.SystemNow()});
    return;
  }
  if (answer.saved) return;
  if (known->second.item == item || *known->second.item->bytes == *item->bytes) {
    known->second.own_version = std::move(own_version);
    rejected_.erase(item->name);
    return;
  }
  answer.added_before.emplace(item->name, Kept(known->second));
  Put({item, std::move(own_version), loop_.SystemNow()});
}

void ResourcesInForce::TakeAbsence(const std::string& name, TakenAnswer& answer) {
  if (!AbsenceIsRemoval()) return Keep(name, answer);
  const auto known = known_.find(name);
  if (known == known_.end()) return;
  answer.removed_before.emplace(name, Kept(known->second));
  known_.erase(known);
}

void ResourcesInForce::Keep(const std::string& name, TakenAnswer& answer) {
  const auto known = known_.find(name);
  if (known == known_.end()) return;
  known->second = Kept(known->second);
  answer.kept.push_back(name);
}

void ResourcesInForce::Put(KnownResource known) {
  const std::string_view name = known.item->name;
  known_.erase(name);
  known_.emplace(name, std::move(known));
}

void ResourcesInForce::TakeBack(TakenAnswer& answer) {
  for (const auto& [name, lines] : answer.refused) {
    if (const auto added = answer.added_before.find(name); added != answer.added_before.end()) {
      if (added->second.item == nullptr) {
        known_.erase(name);
        answer.lost.push_back(name);
      } else {
        Put(added->second);
      }
    } else if (const auto removed = answer.removed_before.find(name); removed != answer.removed_before.end()) {
      Put(removed->second);
    }
  }
  for (const auto& [name, before] : answer.removed_before) {
    if (!Has(name)) answer.lost.push_back(name);
  }
}

void ResourcesInForce::Conclude(const TakenAnswer& answer) {
  // A wildcard answer says all there is to say; elsewhere older refusals stand until the resource comes again.
  if (asked_.wildcard()) rejected_.clear();
  for (const auto& [name, before] : answer.added_before) rejected_.erase(name);
  refused_.clear();
  for (const auto& [name, lines] : answer.refused) {
    if (AsksFor(name)) rejected_[name] = Rejected{lines, answer.version, loop_.SystemNow()};
    refused_.insert(name);
  }
  answered_all_ = answered_all_ || asked_.wildcard();
}

InForceChange ResourcesInForce::ChangeBy(const TakenAnswer& answer) const {
  InForceChange out;
  out.version = version_;
  const auto put = [&out](const KnownResource& known) {
    out.in_force.push_back({known.item->name, known.own_version, known.item->bytes});
  };
  if (!answer.follows) {
    out.complete = asked_.wildcard();
    for (const auto& [name, known] : known_) put(known);
    return out;
  }
  for (const std::string& name : answer.looked_at) {
    if (const auto known = known_.find(name); known != known_.end()) put(known->second);
  }
  for (const auto& [name, before] : answer.removed_before) {
    if (!Has(name)) out.gone.push_back(name);
  }
  return out;
}

void ResourcesInForce::LetGo(std::set<std::string, std::less<>>& went) {
  const bool was_wildcard = std::exchange(was_wildcard_, asked_.wildcard());
  if (asked_.wildcard()) return;
  answered_all_ = false;
  if (was_wildcard) {
    number_ = 0;
    for (const auto& [name, known] : known_) {
      if (!asked_.Named(name)) went.emplace(name);
    }
    std::erase_if(rejected_, [this](const auto& entry) { return !asked_.Named(entry.first); });
  }
  for (const std::string& name : went) {
    known_.erase(name);
    rejected_.erase(name);
  }
}

config::DecodedResource ResourcesInForce::Get(const std::string& name) const {
  const KnownResource& known = known_.at(name);
  return {name, VersionOf(known), known.item->compiled, known.item->bytes};
}

bool ResourcesInForce::AsAnswered(std::string_view name) const {
  const auto known = known_.find(name);
  return known != known_.end() && !known->second.own_version.has_value();
}

void ResourcesInForce::AddStatuses(std::map<std::string, ResourceStatus>& out) const {
  for (const auto& [name, known] : known_) {
    ResourceStatus& status = out[std::string(name)];
    status.state = ResourceStatus::State::kAcked;
    status.version = VersionOf(known);
    status.updated_at = known.updated_at;
  }
  for (const auto& [name, rejected] : rejected_) {
    ResourceStatus& status = out[name];
    status.state = ResourceStatus::State::kNacked;
    status.error = rejected.error;
    status.rejected_version = rejected.version;
    status.rejected_at = rejected.at;
  }
}

}  // namespace nuncio::xds
