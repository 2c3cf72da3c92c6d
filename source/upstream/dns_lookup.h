#pragma once

#include <memory>
#include <string>

#include "source/base/random.h"
#include "source/event/event_loop.h"
#include "source/net/dns_resolver.h"
#include "source/telemetry/cluster_stats.h"
#include "source/upstream/cluster_config.h"

namespace nuncio::upstream {

// Looks one name up, again and again: at dns_refresh_rate, or when the answer's TTL ends where that is respected, and
// after failures by the failure backoff. Main.
class DnsLookup final : private net::DnsReceiver {
 public:
  class Receiver {
   public:
    // May not destroy the lookup.
    virtual void OnLookupAnswer(const net::DnsAnswer& answer) = 0;

   protected:
    ~Receiver() = default;
  };

  // `cluster`, for the log, and `name` are copied; the rest is kept by reference, `options` too.
  DnsLookup(const std::string& cluster, const std::string& name, const DnsDiscoveryOptions& options,
            net::DnsResolver& resolver, event::EventLoop& loop, Random& random, telemetry::ClusterUpdateStats& stats,
            Receiver& receiver);
  DnsLookup(const DnsLookup&) = delete;
  DnsLookup& operator=(const DnsLookup&) = delete;

  void Start();

 private:
  static constexpr Duration kLeastTtl = std::chrono::seconds(1);

  void OnDnsAnswer(net::DnsAnswer answer) override;
  Duration NextAfter(const net::DnsAnswer& answer);
  Duration NextAfterFailure();

  // Constant after construction.
  const std::string cluster_;
  const std::string name_;
  const DnsDiscoveryOptions& options_;
  net::DnsResolver& resolver_;
  Random& random_;
  telemetry::ClusterUpdateStats& stats_;
  Receiver& receiver_;

  std::unique_ptr<net::DnsQuery> query_;
  event::Timer timer_;
  // The bound of the next wait after a failure; zero: the first.
  Duration failure_bound_{};
};

}  // namespace nuncio::upstream
