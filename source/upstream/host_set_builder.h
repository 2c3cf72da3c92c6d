#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "source/upstream/cluster_assignment.h"
#include "source/upstream/host_set.h"

namespace nuncio::upstream {

// Makes the successive host sets of one cluster. Each takes over from the one before what did not change: hosts by
// their identity, and runs of entries as a whole. One thread at a time.
class HostSetBuilder {
 public:
  struct Result {
    // The set before, where nothing changed.
    HostSetPtr hosts;
    bool changed = false;
    // Hosts of the set before that are not in this one.
    std::shared_ptr<const std::vector<HostPtr>> removed;
    size_t added = 0;
  };

  // `keep_duplicates`: an endpoint that is listed twice is two hosts, and nothing is taken over from the set before:
  // for members that never change. Else the second is left out.
  HostSetBuilder(const LoadBalancerConfig& balancer, uint32_t stats_slots, bool keep_duplicates)
      : balancer_(balancer), stats_slots_(stats_slots), keep_duplicates_(keep_duplicates) {}

  // In this order: Begin, for each locality BeginLocality and its hosts, Finish. A pair of locality and priority comes
  // once.
  void Begin();
  void BeginLocality(const Locality& locality, uint32_t weight, uint32_t priority);
  // `endpoint`: all but the address.
  void AddHost(const net::Address& address, const EndpointConfig& endpoint);
  Result Finish(uint32_t overprovisioning_factor);

  // A whole assignment without names.
  Result Build(const ClusterAssignment& assignment);

  const HostSetPtr& hosts() const { return hosts_; }

 private:
  // What identifies a host, without making one.
  struct Identity {
    const net::Address* address;
    const EndpointConfig* endpoint;
    const Locality* locality;
  };
  static bool Is(const Host& host, const Identity& identity);

  const LocalityHosts* FindBefore(const Locality& locality, uint32_t priority) const;
  const HostEntry* EntryBefore(size_t at) const;
  // The host of this identity among those of the set before and those made since Begin; null where there is none. Sets
  // `used` where it is in the new set already.
  const HostPtr* FindKnown(const Identity& identity, bool& used);
  void IndexKnown();
  bool Used(const Host& host) const;
  void MarkUsed(const Host& host);
  HostPtr MakeHost(const Identity& identity);
  void Append(const HostPtr& host, uint32_t weight, HealthStatus health);
  void EndChunk();
  void EndLocality();
  std::shared_ptr<const std::vector<HostPtr>> Removed() const;

  const LoadBalancerConfig balancer_;
  const uint32_t stats_slots_;
  const bool keep_duplicates_;
  const std::shared_ptr<HostSlots> slots_ = std::make_shared<HostSlots>();

  HostSetPtr hosts_ = HostSet::Empty();

  // From Begin to Finish.
  std::vector<LocalityHosts> localities_;
  LocalityHosts current_;
  bool in_locality_ = false;
  // The same locality in the set before; null where it is new.
  const LocalityHosts* before_ = nullptr;
  // Where in it the next host is expected.
  size_t before_at_ = 0;
  // The chunk before that may be shared, as long as the entries are its own; they are counted then, and kept in
  // `entries_` only once they differ.
  const HostChunkPtr* chunk_before_ = nullptr;
  size_t same_entries_ = 0;
  std::vector<HostEntry> entries_;
  bool all_shared_ = true;
  size_t added_ = 0;
  // By slot: the round in which the host was last used.
  std::vector<uint64_t> used_in_;
  uint64_t round_ = 0;
  // By hash of the identity; made when the order of hosts alone does not tell.
  using Known = std::unordered_multimap<size_t, HostPtr>;
  Known known_;
  bool indexed_ = false;
};

}  // namespace nuncio::upstream
