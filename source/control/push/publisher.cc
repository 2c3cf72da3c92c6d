#include "source/control/push/publisher.h"

#include <algorithm>

#include "source/base/logging.h"
#include "source/base/status_macros.h"
#include "source/base/strings.h"
#include "source/control/model/resource_checker.h"
#include "source/control/model/resource_types.h"
#include "source/control/model/set_checks.h"

namespace nuncio::control {
namespace {

void Count(Counters::Counter& counter) { counter.fetch_add(1, std::memory_order_relaxed); }

// The revision at which each type was last touched, after `differences` came with `revision`.
std::vector<std::pair<std::string, uint64_t>> TypeRevisions(const StoredRevision* before, uint64_t revision,
                                                            const std::vector<ResourceDifference>& differences) {
  std::map<std::string, uint64_t> types;
  if (before != nullptr) types.insert(before->type_revisions.begin(), before->type_revisions.end());
  for (const ResourceDifference& difference : differences) types[difference.key().type_url] = revision;
  return {types.begin(), types.end()};
}

}  // namespace

absl::Status Publisher::Restore() {
  NUNCIO_ASSIGN_OR_RETURN(const std::vector<std::string> groups, store_.Groups());
  for (const std::string& group : groups) {
    NUNCIO_ASSIGN_OR_RETURN(StoredRevision stored, store_.Load(group, std::nullopt));
    NUNCIO_LOG(kControl, kInfo, "group \"", group, "\" is at revision ", stored.info.revision, " with ",
               stored.set.size(), " resources");
    SetLatest(std::make_shared<const StoredRevision>(std::move(stored)));
  }
  return absl::OkStatus();
}

std::shared_ptr<const StoredRevision> Publisher::Latest(const std::string& group) const {
  const std::lock_guard lock(latest_mutex_);
  const auto it = latest_.find(group);
  return it == latest_.end() ? nullptr : it->second;
}

std::vector<std::shared_ptr<const StoredRevision>> Publisher::AllLatest() const {
  const std::lock_guard lock(latest_mutex_);
  std::vector<std::shared_ptr<const StoredRevision>> all;
  for (const auto& [group, revision] : latest_) all.push_back(revision);
  return all;
}

void Publisher::SetLatest(std::shared_ptr<const StoredRevision> revision) {
  const SnapshotPtr previous = snapshots_.Latest(revision->info.group);
  const auto snapshot = std::make_shared<const Snapshot>(*revision, previous.get());
  {
    const std::lock_guard lock(latest_mutex_);
    latest_[revision->info.group] = std::move(revision);
  }
  snapshots_.Publish(snapshot);
}

Publisher::Candidate Publisher::CheckEach(const std::vector<PushedResource>& resources, bool strict, bool numbered) {
  Candidate candidate{.resources = {}, .index_of = {}, .faults = ResourceFaults(strict)};
  for (size_t i = 0; i < resources.size(); ++i) {
    const std::optional<uint32_t> index = numbered ? std::optional<uint32_t>(i) : std::nullopt;
    ResourcePtr resource = CheckResource(resources[i].name, resources[i].resource, index, candidate.faults);
    if (resource == nullptr) continue;
    if (numbered) {
      const auto [first, is_new] = candidate.index_of.emplace(resource->key(), static_cast<uint32_t>(i));
      if (!is_new) {
        candidate.faults.Add(
            {Severity::kError, resource->key(), "",
             StrCat("there are two of this type and name: resources ", first->second, " and ", i, " of the push"),
             index});
      }
    }
    candidate.resources.push_back(std::move(resource));
  }
  return candidate;
}

std::vector<ResourceFault> Publisher::Validate(const std::vector<PushedResource>& resources, bool strict,
                                               bool partial) const {
  Candidate candidate = CheckEach(resources, strict, true);
  std::vector<SetEntry> entries;
  for (ResourcePtr& resource : candidate.resources) entries.push_back({std::move(resource), 0});
  CheckSet(ResourceSet(std::move(entries)),
           {.static_clusters = static_clusters_, .partial = partial, .index_of = std::move(candidate.index_of)},
           candidate.faults);
  return std::move(candidate.faults).Take();
}

absl::StatusOr<PushOutcome> Publisher::Push(const PushCommand& command) {
  RevisionInfo info;
  info.group = command.group;
  info.author = command.author;
  info.message = command.message;
  info.origin = command.partial ? RevisionOrigin::kPushPartial : RevisionOrigin::kPushWhole;
  const MonotonicTime start = clock_.Monotonic();
  // The long part needs nothing of the group, so pushes to several do it side by side.
  Candidate candidate = CheckEach(command.resources, command.strict, true);
  absl::StatusOr<PushOutcome> outcome = Publish(command, std::move(info), std::move(candidate));
  Count(counters_.pushes_checked);
  counters_.push_microseconds.fetch_add(
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(clock_.Monotonic() - start).count()),
      std::memory_order_relaxed);
  return outcome;
}

absl::StatusOr<PushOutcome> Publisher::Rollback(const RollbackCommand& command, uint64_t& rolled_back_to) {
  const std::shared_ptr<const StoredRevision> latest = Latest(command.group);
  if (latest == nullptr) {
    return NotFound(StrCat("there is no group \"", command.group, "\": nothing was pushed to it yet"));
  }
  rolled_back_to = command.to_revision == 0 ? latest->info.revision - 1 : command.to_revision;
  if (rolled_back_to == 0) {
    return InvalidArgument(StrCat("group \"", command.group, "\" is at its first revision: there is none before"));
  }
  NUNCIO_ASSIGN_OR_RETURN(const StoredRevision target, store_.Load(command.group, rolled_back_to));
  PushCommand push;
  push.group = command.group;
  push.dry_run = command.dry_run;
  // Where no revision was named, "the one before" must still mean the same one when it is made.
  push.expected_revision = command.to_revision == 0 && !command.expected_revision.has_value()
                               ? latest->info.revision
                               : command.expected_revision;
  for (const SetEntry& entry : target.set.entries()) {
    push.resources.push_back({entry.resource->name(), entry.resource->ToAny()});
  }
  RevisionInfo info;
  info.group = command.group;
  info.author = command.author;
  info.message = command.message.empty() ? StrCat("Roll back to revision ", rolled_back_to) : command.message;
  info.origin = RevisionOrigin::kRollback;
  info.rolled_back_to = rolled_back_to;
  return Publish(push, std::move(info), CheckEach(push.resources, false, false));
}

absl::StatusOr<PushOutcome> Publisher::Publish(const PushCommand& command, RevisionInfo info, Candidate candidate) {
  absl::StatusOr<PushOutcome> outcome = Decide(command, std::move(info), std::move(candidate));
  if (command.dry_run) return outcome;
  if (!outcome.ok()) {
    Count(counters_.pushes_failed);
    NUNCIO_LOG(kControl, kError, "push to group \"", command.group, "\" failed: ", outcome.status().message());
    return outcome;
  }
  switch (outcome->kind) {
    case PushOutcome::Kind::kTaken:
      Count(counters_.pushes_taken);
      NUNCIO_LOG(kControl, kInfo, "group \"", command.group, "\" is at revision ", outcome->latest->revision, ": ",
                 outcome->latest->added, " added, ", outcome->latest->changed, " changed, ", outcome->latest->removed,
                 " removed, by \"", outcome->latest->author, "\"");
      break;
    case PushOutcome::Kind::kUnchanged:
      Count(counters_.pushes_unchanged);
      break;
    case PushOutcome::Kind::kRefused:
      Count(counters_.pushes_refused);
      NUNCIO_LOG(kControl, kWarning, "push to group \"", command.group, "\" refused: ", outcome->faults.size(),
                 " faults");
      break;
    case PushOutcome::Kind::kConflict:
      Count(counters_.pushes_conflicting);
      break;
  }
  return outcome;
}

ResourceSet Publisher::Merge(const PushCommand& command, const ResourceSet& current, Candidate& candidate) const {
  std::vector<SetEntry> entries;
  if (command.partial) {
    std::set<ResourceKey> deleted;
    for (const ResourceKey& key : command.deletes) {
      if (candidate.index_of.contains(key)) {
        candidate.faults.Add({Severity::kError, key, "", "it is both pushed and deleted", candidate.index_of[key]});
      } else if (current.Find(key) == nullptr) {
        candidate.faults.Add({Severity::kWarning, key, "", "to be deleted, but not in the group", {}});
      }
      deleted.insert(key);
    }
    for (const SetEntry& entry : current.entries()) {
      if (!deleted.contains(entry.resource->key())) entries.push_back(entry);
    }
  }
  for (ResourcePtr& resource : candidate.resources) {
    const SetEntry* known = current.Find(resource->key());
    // What did not change stays the same object, with its history.
    if (known != nullptr && known->resource->hash() == resource->hash()) {
      if (!command.partial) entries.push_back(*known);
    } else {
      entries.push_back({std::move(resource), 0});
    }
  }
  return ResourceSet(std::move(entries));
}

absl::StatusOr<PushOutcome> Publisher::Decide(const PushCommand& command, RevisionInfo info, Candidate candidate) {
  const std::lock_guard lock(push_mutex_);
  const std::shared_ptr<const StoredRevision> latest = Latest(command.group);
  const uint64_t revision = latest == nullptr ? 0 : latest->info.revision;
  PushOutcome outcome;
  if (latest != nullptr) outcome.latest = latest->info;
  if (command.expected_revision.has_value() && *command.expected_revision != revision) {
    outcome.kind = PushOutcome::Kind::kConflict;
    return outcome;
  }
  static const ResourceSet kEmpty;
  const ResourceSet& current = latest == nullptr ? kEmpty : latest->set;
  ResourceSet next = Merge(command, current, candidate);
  CheckSet(next, {.static_clusters = static_clusters_, .partial = false, .index_of = std::move(candidate.index_of)},
           candidate.faults);
  const bool refused = !candidate.faults.ok();
  outcome.faults = std::move(candidate.faults).Take();
  outcome.differences = Compare(current, next);
  if (refused) {
    outcome.kind = PushOutcome::Kind::kRefused;
    return outcome;
  }
  // The first push makes the group even where it is empty.
  if (outcome.differences.empty() && latest != nullptr) {
    outcome.kind = PushOutcome::Kind::kUnchanged;
    return outcome;
  }
  info.revision = revision + 1;
  info.create_time = clock_.System();
  info.resources = static_cast<uint32_t>(next.size());
  for (const ResourceDifference& difference : outcome.differences) {
    ++(difference.before == nullptr ? info.added : difference.after == nullptr ? info.removed : info.changed);
  }
  if (command.dry_run) return outcome;
  NUNCIO_RETURN_IF_ERROR(Commit(info, next, outcome.differences));
  outcome.latest = std::move(info);
  return outcome;
}

absl::Status Publisher::Commit(const RevisionInfo& info, const ResourceSet& next,
                               const std::vector<ResourceDifference>& differences) {
  RevisionStep step{.info = info, .upserts = {}, .deletes = {}};
  for (const ResourceDifference& difference : differences) {
    if (difference.after != nullptr) {
      step.upserts.push_back(difference.after);
    } else {
      step.deletes.push_back(difference.key());
    }
  }
  NUNCIO_RETURN_IF_ERROR(store_.Append(step));
  auto revision = std::make_shared<StoredRevision>();
  revision->info = info;
  std::vector<SetEntry> entries = next.entries();
  for (SetEntry& entry : entries) {
    if (entry.changed_revision == 0) entry.changed_revision = info.revision;
  }
  revision->set = ResourceSet(std::move(entries));
  revision->type_revisions = TypeRevisions(Latest(info.group).get(), info.revision, differences);
  SetLatest(std::move(revision));
  return absl::OkStatus();
}

}  // namespace nuncio::control
