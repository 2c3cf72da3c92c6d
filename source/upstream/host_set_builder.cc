#include "source/upstream/host_set_builder.h"

#include <utility>

namespace nuncio::upstream {
namespace {

// How many hosts are skipped in the set before to find the next one: removals of a few in a row cost no index.
constexpr size_t kLookAhead = 4;

bool SameMetadata(const matcher::Metadata* a, const matcher::Metadata* b) {
  return a == b || (a != nullptr && b != nullptr && *a == *b);
}

// All of the identity, lest hosts that share most of it meet in one bucket.
size_t HashOf(const net::Address& address, const std::string& hostname, const Locality& locality,
              const matcher::Metadata* metadata) {
  const std::hash<std::string> hash;
  size_t out = address.Hash();
  const auto mix = [&out](size_t more) { out = (out ^ more) * 0x9e3779b97f4a7c15u; };
  mix(hash(hostname));
  mix(hash(locality.region()));
  mix(hash(locality.zone()));
  mix(hash(locality.sub_zone()));
  if (metadata != nullptr) {
    std::string json;
    for (const auto& [name, value] : metadata->namespaces) {
      json += name;
      value.AppendJson(json);
    }
    mix(hash(json));
  }
  return out;
}

}  // namespace

bool HostSetBuilder::Is(const Host& host, const Identity& identity) {
  return host.address() == *identity.address && host.hostname() == *identity.endpoint->hostname &&
         host.locality() == *identity.locality && SameMetadata(host.metadata(), identity.endpoint->metadata.get());
}

void HostSetBuilder::Begin() {
  localities_.clear();
  in_locality_ = false;
  all_shared_ = true;
  added_ = 0;
  known_.clear();
  indexed_ = false;
  ++round_;
}

const LocalityHosts* HostSetBuilder::FindBefore(const Locality& locality, uint32_t priority) const {
  const std::vector<LocalityHosts>& before = hosts_->localities();
  const auto matches = [&](const LocalityHosts& hosts) {
    return hosts.priority == priority && hosts.locality == locality;
  };
  // In general they come in the same order again.
  const size_t at = localities_.size();
  if (at < before.size() && matches(before[at])) return &before[at];
  for (const LocalityHosts& hosts : before) {
    if (matches(hosts)) return &hosts;
  }
  return nullptr;
}

void HostSetBuilder::BeginLocality(const Locality& locality, uint32_t weight, uint32_t priority) {
  EndLocality();
  before_ = FindBefore(locality, priority);
  before_at_ = 0;
  current_ = {locality, weight, priority, {}, 0};
  in_locality_ = true;
  chunk_before_ = before_ != nullptr && !before_->chunks.empty() ? &before_->chunks.front() : nullptr;
}

const HostEntry* HostSetBuilder::EntryBefore(size_t at) const {
  // All chunks but the last are full.
  if (before_ == nullptr || at >= before_->size) return nullptr;
  return &before_->chunks[at / HostChunk::kMaxEntries]->entries[at % HostChunk::kMaxEntries];
}

bool HostSetBuilder::Used(const Host& host) const {
  return host.slot() < used_in_.size() && used_in_[host.slot()] == round_;
}

void HostSetBuilder::MarkUsed(const Host& host) {
  if (host.slot() >= used_in_.size()) used_in_.resize(slots_->limit());
  used_in_[host.slot()] = round_;
}

void HostSetBuilder::IndexKnown() {
  if (indexed_) return;
  indexed_ = true;
  known_.reserve(hosts_->membership().total);
  hosts_->ForEach([this](const LocalityHosts&, const HostEntry& entry) {
    const HostIdentity& identity = entry.host->identity();
    known_.emplace(HashOf(identity.address, identity.hostname, identity.locality, identity.metadata.get()), entry.host);
  });
}

const HostPtr* HostSetBuilder::FindKnown(const Identity& identity, bool& used) {
  if (keep_duplicates_) return nullptr;
  for (size_t ahead = 0; ahead < kLookAhead; ++ahead) {
    const HostEntry* entry = EntryBefore(before_at_ + ahead);
    if (entry == nullptr) break;
    if (!Is(*entry->host, identity) || Used(*entry->host)) continue;
    before_at_ += ahead + 1;
    return &entry->host;
  }
  IndexKnown();
  const HostPtr* found = nullptr;
  const auto [begin, end] = known_.equal_range(
      HashOf(*identity.address, *identity.endpoint->hostname, *identity.locality, identity.endpoint->metadata.get()));
  for (auto it = begin; it != end; ++it) {
    if (!Is(*it->second, identity)) continue;
    if (!Used(*it->second)) return &it->second;
    found = &it->second;
    used = true;
  }
  return found;
}

HostPtr HostSetBuilder::MakeHost(const Identity& identity) {
  HostIdentity made{*identity.address, *identity.endpoint->hostname, *identity.locality, identity.endpoint->metadata};
  auto host = std::make_shared<const Host>(slots_, std::move(made), stats_slots_);
  ++added_;
  if (!keep_duplicates_) {
    known_.emplace(HashOf(host->address(), host->hostname(), host->locality(), host->metadata()), host);
  }
  return host;
}

void HostSetBuilder::AddHost(const net::Address& address, const EndpointConfig& endpoint) {
  const Identity identity{&address, &endpoint, &current_.locality};
  bool used = false;
  const HostPtr* known = FindKnown(identity, used);
  if (used) return;
  if (known == nullptr) {
    const HostPtr made = MakeHost(identity);
    Append(made, endpoint.weight, endpoint.health);
    return;
  }
  // Where the set before has the host as the next entry, counting it suffices.
  if (chunk_before_ != nullptr && entries_.empty() && same_entries_ < (*chunk_before_)->entries.size()) {
    const HostEntry& before = (*chunk_before_)->entries[same_entries_];
    if (before.host == *known && before.weight == endpoint.weight && before.health == endpoint.health) {
      MarkUsed(*before.host);
      ++current_.size;
      if (++same_entries_ == HostChunk::kMaxEntries) EndChunk();
      return;
    }
  }
  Append(*known, endpoint.weight, endpoint.health);
}

void HostSetBuilder::Append(const HostPtr& host, uint32_t weight, HealthStatus health) {
  MarkUsed(*host);
  if (entries_.empty()) {
    entries_.reserve(HostChunk::kMaxEntries);
    for (size_t i = 0; i < same_entries_; ++i) entries_.push_back((*chunk_before_)->entries[i]);
    same_entries_ = 0;
  }
  entries_.push_back({host, weight, health});
  ++current_.size;
  if (entries_.size() == HostChunk::kMaxEntries) EndChunk();
}

void HostSetBuilder::EndChunk() {
  if (entries_.empty() && same_entries_ > 0) {
    if (same_entries_ == (*chunk_before_)->entries.size()) {
      current_.chunks.push_back(*chunk_before_);
    } else {
      all_shared_ = false;
      const auto begin = (*chunk_before_)->entries.begin();
      auto chunk = std::make_shared<HostChunk>();
      chunk->entries.assign(begin, begin + static_cast<ptrdiff_t>(same_entries_));
      current_.chunks.push_back(std::move(chunk));
    }
  } else if (!entries_.empty()) {
    all_shared_ = false;
    auto chunk = std::make_shared<HostChunk>();
    chunk->entries = std::exchange(entries_, {});
    chunk->entries.shrink_to_fit();
    current_.chunks.push_back(std::move(chunk));
  }
  same_entries_ = 0;
  const size_t next = current_.chunks.size();
  chunk_before_ = before_ != nullptr && next < before_->chunks.size() ? &before_->chunks[next] : nullptr;
}

void HostSetBuilder::EndLocality() {
  if (!in_locality_) return;
  EndChunk();
  localities_.push_back(std::move(current_));
  current_ = {};
  in_locality_ = false;
}

std::shared_ptr<const std::vector<HostPtr>> HostSetBuilder::Removed() const {
  auto removed = std::make_shared<std::vector<HostPtr>>();
  hosts_->ForEach([&](const LocalityHosts&, const HostEntry& entry) {
    if (!Used(*entry.host)) removed->push_back(entry.host);
  });
  return removed;
}

HostSetBuilder::Result HostSetBuilder::Finish(uint32_t overprovisioning_factor) {
  EndLocality();
  Result result;
  const auto same_localities = [&] {
    const std::vector<LocalityHosts>& before = hosts_->localities();
    if (before.size() != localities_.size()) return false;
    for (size_t i = 0; i < before.size(); ++i) {
      const LocalityHosts& a = before[i];
      const LocalityHosts& b = localities_[i];
      if (a.weight != b.weight || a.priority != b.priority || a.size != b.size || a.locality != b.locality) {
        return false;
      }
    }
    return true;
  };
  result.changed = !all_shared_ || overprovisioning_factor != hosts_->overprovisioning_factor() || !same_localities();
  result.removed = result.changed ? Removed() : std::make_shared<const std::vector<HostPtr>>();
  result.added = added_;
  if (result.changed) hosts_ = HostSet::Create(std::move(localities_), overprovisioning_factor, balancer_);
  localities_.clear();
  // With its buckets, which it needs for the next change at most and which `= {}` would keep.
  known_ = Known();
  result.hosts = hosts_;
  return result;
}

HostSetBuilder::Result HostSetBuilder::Build(const ClusterAssignment& assignment) {
  Begin();
  for (const LocalityConfig& locality : assignment.localities) {
    BeginLocality(locality.locality, locality.weight, locality.priority);
    for (const EndpointConfig& endpoint : locality.endpoints) AddHost(endpoint.address, endpoint);
  }
  return Finish(assignment.overprovisioning_factor);
}

}  // namespace nuncio::upstream
