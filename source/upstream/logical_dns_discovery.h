#pragma once

#include <memory>

#include "source/upstream/discovery.h"
#include "source/upstream/dns_lookup.h"

namespace nuncio::upstream {

// One host, whose new connections go to the first address of the latest answer that had one. It stays one host when
// that address changes, so connections to earlier addresses live on.
class LogicalDnsDiscovery final : public Discovery, private DnsLookup::Receiver {
 public:
  // All but the config is kept by reference.
  LogicalDnsDiscovery(std::shared_ptr<const ClusterConfig> config, uint32_t stats_slots, net::DnsResolver& resolver,
                      event::EventLoop& loop, Random& random, telemetry::ClusterUpdateStats& stats,
                      DiscoveryReceiver& receiver);

  void Start() override;

 private:
  void OnLookupAnswer(const net::DnsAnswer& answer) override;
  void SetAddress(const net::Address& address);
  const EndpointConfig& endpoint() const { return config_->assignment->localities.front().endpoints.front(); }

  const std::shared_ptr<const ClusterConfig> config_;
  DiscoveryReceiver& receiver_;
  HostSetBuilder builder_;
  DnsLookup lookup_;
  // Null until there was an address.
  HostPtr host_;
  bool answered_ = false;
};

}  // namespace nuncio::upstream
