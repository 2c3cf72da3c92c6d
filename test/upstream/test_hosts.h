#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "source/base/strings.h"
#include "source/upstream/host_set.h"

// Host sets by hand.
namespace nuncio::upstream {

struct TestHost {
  std::string name;  // Becomes the hostname.
  uint32_t weight = 1;
  HealthStatus health = HealthStatus::kUnknown;
};

class TestHosts {
 public:
  // A locality at a priority; hosts are numbered 10.0.0.1 and up.
  TestHosts& Add(uint32_t priority, const std::vector<TestHost>& hosts, uint32_t locality_weight = 0) {
    LocalityHosts locality;
    locality.locality = Locality("", StrCat("zone-", localities_.size()), "");
    locality.weight = locality_weight;
    locality.priority = priority;
    auto chunk = std::make_shared<HostChunk>();
    for (const TestHost& host : hosts) {
      HostIdentity identity;
      ++last_;
      identity.address = *net::Address::FromIp(StrCat("10.0.", last_ / 250, ".", last_ % 250 + 1), 80);
      identity.hostname = host.name;
      chunk->entries.push_back({std::make_shared<const Host>(slots_, identity, 2), host.weight, host.health});
    }
    locality.size = hosts.size();
    locality.chunks.push_back(std::move(chunk));
    localities_.push_back(std::move(locality));
    return *this;
  }
  // `healthy` healthy hosts, then `degraded`, then `unhealthy` ones.
  TestHosts& AddCounts(uint32_t priority, int healthy, int degraded, int unhealthy) {
    std::vector<TestHost> hosts;
    for (int i = 0; i < healthy; ++i) hosts.push_back({StrCat("h", priority)});
    for (int i = 0; i < degraded; ++i) hosts.push_back({StrCat("d", priority), 1, HealthStatus::kDegraded});
    for (int i = 0; i < unhealthy; ++i) hosts.push_back({StrCat("u", priority), 1, HealthStatus::kUnhealthy});
    return Add(priority, hosts);
  }
  HostSetPtr Build(const LoadBalancerConfig& config = {}, uint32_t overprovisioning_factor = 140) {
    return HostSet::Create(localities_, overprovisioning_factor, config);
  }

 private:
  std::shared_ptr<HostSlots> slots_ = std::make_shared<HostSlots>();
  std::vector<LocalityHosts> localities_;
  int last_ = 0;
};

}  // namespace nuncio::upstream
