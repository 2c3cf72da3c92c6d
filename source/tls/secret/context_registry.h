#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/base/weak_sweep.h"
#include "source/config/fault.h"
#include "source/tls/secret/live_context.h"
#include "source/tls/secret/secret_registry.h"

namespace nuncio::tls {

// All TLS contexts in force. Equal contexts of one owner are one, so an update of a listener or cluster that leaves its
// TLS alone keeps what was made. Main thread.
class ContextRegistry {
 public:
  explicit ContextRegistry(SecretServices services);
  ContextRegistry(const ContextRegistry&) = delete;
  ContextRegistry& operator=(const ContextRegistry&) = delete;

  // A thread that is to have cells; main first, then the workers in the order of their slots, and all before the first
  // context. Takes closures as long as contexts live.
  void AddThread(event::EventLoop& loop) { threads_.push_back(&loop); }
  // Before the first secret by discovery. Outlives the registry.
  void SetSubscriptions(config::SubscriptionFactory& subscriptions) { services_.subscriptions = &subscriptions; }

  // The context of a filter chain. `stat_prefix`: of the listener. Null, with a fault: a secret of the bootstrap that
  // it names is not there, or its key log cannot be opened.
  std::shared_ptr<LiveServerContext> AcquireServer(const std::shared_ptr<const DownstreamTlsConfig>& config,
                                                   const std::string& listener, const std::string& stat_prefix,
                                                   config::Faults& faults);
  // The context of a cluster, likewise.
  std::shared_ptr<LiveClientContext> AcquireClient(const std::shared_ptr<const UpstreamTlsConfig>& config,
                                                   const std::string& cluster, const std::string& stat_name,
                                                   config::Faults& faults);

  SecretRegistry& secrets() { return secrets_; }
  const SecretRegistry& secrets() const { return secrets_; }
  // Those in force, for /certs.
  std::vector<std::shared_ptr<const LiveContextBase>> All() const;

  // Whole days until the first certificate of our own, or the first one of what is trusted, expires, 0 once one has.
  // Unset: there is none.
  std::optional<int64_t> DaysUntilFirstExpiry() const;
  // Seconds until the first stapled OCSP response does, likewise.
  std::optional<int64_t> SecondsUntilFirstOcspExpiry() const;

 private:
  // By owner and the hash of the message.
  using Key = std::pair<std::string, uint64_t>;
  template <typename Live>
  struct Known {
    void Put(const Key& key, const std::shared_ptr<Live>& fresh) {
      live.insert_or_assign(key, fresh);
      sweep.OnAdded(live, [](const auto& entry) { return entry.second.expired(); });
    }
    std::map<Key, std::weak_ptr<Live>> live;
    WeakSweep sweep;
  };
  template <typename Config>
  std::shared_ptr<LiveContext<Config>> Acquire(Known<LiveContext<Config>>& known,
                                               const std::shared_ptr<const Config>& config, std::string label,
                                               telemetry::ScopeName owner, std::string_view factory,
                                               config::Faults& faults);

  // Whether there is one for `use`, of its kind.
  static bool CheckUse(const SecretUse& use, const std::shared_ptr<LiveSecret>& secret, config::Faults& faults);

  // The earliest of what `time_of` says of the secrets in use, as a time from now, at least zero.
  std::optional<Duration> First(const std::function<std::optional<SystemTime>(const Secret&)>& time_of) const;

  SecretServices services_;
  SecretRegistry secrets_;
  std::vector<event::EventLoop*> threads_;
  Known<LiveServerContext> servers_;
  Known<LiveClientContext> clients_;
};

}  // namespace nuncio::tls
