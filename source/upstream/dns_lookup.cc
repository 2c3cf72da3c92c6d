#include "source/upstream/dns_lookup.h"

#include <algorithm>

#include "source/base/logging.h"

namespace nuncio::upstream {

DnsLookup::DnsLookup(const std::string& cluster, const std::string& name, const DnsDiscoveryOptions& options,
                     net::DnsResolver& resolver, event::EventLoop& loop, Random& random,
                     telemetry::ClusterUpdateStats& stats, Receiver& receiver)
    : cluster_(cluster),
      name_(name),
      options_(options),
      resolver_(resolver),
      random_(random),
      stats_(stats),
      receiver_(receiver),
      timer_(loop, Delegate<void()>::Bind<&DnsLookup::Start>(this)) {}

void DnsLookup::Start() {
  stats_.update_attempt.Inc();
  query_ = resolver_.Resolve(name_, options_.family, *this);
}

void DnsLookup::OnDnsAnswer(net::DnsAnswer answer) {
  query_.reset();
  if (answer.ok()) {
    stats_.update_success.Inc();
    if (answer->empty()) stats_.update_empty.Inc();
  } else {
    stats_.update_failure.Inc();
    NUNCIO_LOG(kUpstream, kWarning, "cluster ", cluster_, ": ", answer.status().message());
  }
  timer_.Arm(NextAfter(answer));
  receiver_.OnLookupAnswer(answer);
}

Duration DnsLookup::NextAfter(const net::DnsAnswer& answer) {
  if (!answer.ok()) return NextAfterFailure();
  failure_bound_ = {};
  if (!options_.respect_ttl || answer->empty()) return options_.refresh_rate;
  const auto shortest = std::min_element(answer->begin(), answer->end(),
                                         [](const auto& a, const auto& b) { return a.ttl < b.ttl; });
  return std::max<Duration>(shortest->ttl, kLeastTtl);
}

Duration DnsLookup::NextAfterFailure() {
  if (!options_.failure_backoff.has_value()) return options_.refresh_rate;
  const auto& backoff = *options_.failure_backoff;
  // A bound that doubles, and a random part of it, so that proxies do not ask in step.
  const Duration bound = failure_bound_ == Duration::zero() ? backoff.base : failure_bound_;
  failure_bound_ = bound >= backoff.max / 2 ? backoff.max : bound * 2;
  const auto part = static_cast<int64_t>(random_.Below(static_cast<uint64_t>(bound.count())));
  return std::max<Duration>(Duration(part), std::chrono::milliseconds(1));
}

}  // namespace nuncio::upstream
