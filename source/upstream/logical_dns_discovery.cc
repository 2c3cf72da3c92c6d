#include "source/upstream/logical_dns_discovery.h"

#include <utility>

namespace nuncio::upstream {

LogicalDnsDiscovery::LogicalDnsDiscovery(std::shared_ptr<const ClusterConfig> config, uint32_t stats_slots,
                                         net::DnsResolver& resolver, event::EventLoop& loop, Random& random,
                                         telemetry::ClusterUpdateStats& stats, DiscoveryReceiver& receiver)
    : config_(std::move(config)),
      receiver_(receiver),
      builder_(config_->balancer, stats_slots, /*keep_duplicates=*/false),
      lookup_(config_->name, *endpoint().dns_name, *config_->dns, resolver, loop, random, stats, *this) {}

void LogicalDnsDiscovery::Start() {
  if (endpoint().is_name()) return lookup_.Start();
  // An address needs no looking up.
  SetAddress(endpoint().address);
  receiver_.OnFirstAnswer();
}

void LogicalDnsDiscovery::OnLookupAnswer(const net::DnsAnswer& answer) {
  if (answer.ok() && !answer->empty()) SetAddress(answer->front().address.WithPort(endpoint().dns_port));
  if (!std::exchange(answered_, true)) receiver_.OnFirstAnswer();
}

void LogicalDnsDiscovery::SetAddress(const net::Address& address) {
  if (host_ != nullptr) {
    if (!(host_->connect_address() == address)) host_->MoveTo(address);
    return;
  }
  const LocalityConfig& locality = config_->assignment->localities.front();
  builder_.Begin();
  builder_.BeginLocality(locality.locality, locality.weight, locality.priority);
  builder_.AddHost(address, endpoint());
  const HostSetBuilder::Result result = builder_.Finish(config_->assignment->overprovisioning_factor);
  host_ = result.hosts->localities().front().chunks.front()->entries.front().host;
  receiver_.OnMembers(result);
}

}  // namespace nuncio::upstream
