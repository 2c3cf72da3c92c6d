#include "source/upstream/strict_dns_discovery.h"

#include <algorithm>
#include <utility>

namespace nuncio::upstream {

StrictDnsDiscovery::StrictDnsDiscovery(std::shared_ptr<const ClusterConfig> config, uint32_t stats_slots,
                                       net::DnsResolver& resolver, event::EventLoop& loop, Random& random,
                                       telemetry::ClusterUpdateStats& stats, DiscoveryReceiver& receiver)
    : config_(std::move(config)),
      stats_(stats),
      receiver_(receiver),
      builder_(config_->balancer, stats_slots, /*keep_duplicates=*/false) {
  for (const LocalityConfig& locality : config_->assignment->localities) {
    for (const EndpointConfig& endpoint : locality.endpoints) {
      if (!endpoint.is_name()) continue;
      Target& target = *targets_.emplace_back(std::make_unique<Target>(*this, endpoint.dns_port));
      target.lookup = std::make_unique<DnsLookup>(config_->name, *endpoint.dns_name, *config_->dns, resolver, loop,
                                                  random, stats, target);
    }
  }
}

void StrictDnsDiscovery::Start() {
  unanswered_ = targets_.size();
  for (const auto& target : targets_) target->lookup->Start();
  if (unanswered_ > 0) return;
  Rebuild();
  receiver_.OnFirstAnswer();
}

bool StrictDnsDiscovery::TakeAddresses(Target& target, const std::vector<net::DnsRecord>& records) {
  std::vector<net::Address> addresses;
  for (const net::DnsRecord& record : records) addresses.push_back(record.address.WithPort(target.port));
  // Servers rotate their answers; that is no change.
  std::sort(addresses.begin(), addresses.end(), [](const net::Address& a, const net::Address& b) {
    return std::pair(a.family(), a.IpBytes()) < std::pair(b.family(), b.IpBytes());
  });
  if (addresses == target.addresses) return false;
  target.addresses = std::move(addresses);
  return true;
}

// Until every name was answered once nobody uses the members, so they are put together only then.
void StrictDnsDiscovery::OnAnswer(Target& target, const net::DnsAnswer& answer) {
  const bool changed = answer.ok() && TakeAddresses(target, *answer);
  const bool first = !std::exchange(target.answered, true);
  if (first) --unanswered_;
  if (unanswered_ > 0) return;
  if (first || changed) {
    Rebuild();
  } else if (answer.ok()) {
    stats_.update_no_rebuild.Inc();
  }
  if (first) receiver_.OnFirstAnswer();
}

void StrictDnsDiscovery::Rebuild() {
  builder_.Begin();
  size_t target = 0;
  for (const LocalityConfig& locality : config_->assignment->localities) {
    builder_.BeginLocality(locality.locality, locality.weight, locality.priority);
    for (const EndpointConfig& endpoint : locality.endpoints) {
      if (!endpoint.is_name()) {
        builder_.AddHost(endpoint.address, endpoint);
        continue;
      }
      for (const net::Address& address : targets_[target]->addresses) builder_.AddHost(address, endpoint);
      ++target;
    }
  }
  receiver_.OnMembers(builder_.Finish(config_->assignment->overprovisioning_factor));
}

}  // namespace nuncio::upstream
