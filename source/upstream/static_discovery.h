#pragma once

#include <memory>

#include "source/upstream/cluster_config.h"
#include "source/upstream/discovery.h"

namespace nuncio::upstream {

// The endpoints as listed.
class StaticDiscovery final : public Discovery {
 public:
  StaticDiscovery(std::shared_ptr<const ClusterConfig> config, uint32_t stats_slots, DiscoveryReceiver& receiver)
      : config_(std::move(config)),
        builder_(config_->balancer, stats_slots, /*keep_duplicates=*/true),
        receiver_(receiver) {}

  void Start() override {
    receiver_.OnMembers(builder_.Build(*config_->assignment));
    receiver_.OnFirstAnswer();
  }

 private:
  const std::shared_ptr<const ClusterConfig> config_;
  HostSetBuilder builder_;
  DiscoveryReceiver& receiver_;
};

}  // namespace nuncio::upstream
