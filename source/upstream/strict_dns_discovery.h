#pragma once

#include <memory>
#include <vector>

#include "source/upstream/discovery.h"
#include "source/upstream/dns_lookup.h"

namespace nuncio::upstream {

// Each address of each name is an endpoint. A name whose lookup fails keeps the addresses it had.
class StrictDnsDiscovery final : public Discovery {
 public:
  // All but the config is kept by reference.
  StrictDnsDiscovery(std::shared_ptr<const ClusterConfig> config, uint32_t stats_slots, net::DnsResolver& resolver,
                     event::EventLoop& loop, Random& random, telemetry::ClusterUpdateStats& stats,
                     DiscoveryReceiver& receiver);

  void Start() override;

 private:
  // An endpoint that is a name.
  struct Target final : DnsLookup::Receiver {
    explicit Target(StrictDnsDiscovery& owner, uint16_t port) : owner(owner), port(port) {}
    void OnLookupAnswer(const net::DnsAnswer& answer) override { owner.OnAnswer(*this, answer); }

    StrictDnsDiscovery& owner;
    const uint16_t port;
    std::unique_ptr<DnsLookup> lookup;
    bool answered = false;
    std::vector<net::Address> addresses;
  };

  void OnAnswer(Target& target, const net::DnsAnswer& answer);
  // False: they are the same as before.
  static bool TakeAddresses(Target& target, const std::vector<net::DnsRecord>& records);
  void Rebuild();

  const std::shared_ptr<const ClusterConfig> config_;
  telemetry::ClusterUpdateStats& stats_;
  DiscoveryReceiver& receiver_;
  HostSetBuilder builder_;
  // In the order of the names in the configuration.
  std::vector<std::unique_ptr<Target>> targets_;
  size_t unanswered_ = 0;
};

}  // namespace nuncio::upstream
