#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "source/access_log/log_writer.h"
#include "source/base/weak_sweep.h"
#include "source/config/fault.h"
#include "source/config/subscription.h"
#include "source/listener/listener_config.h"
#include "source/listener/route_registry.h"
#include "source/listener/worker_pool.h"
#include "source/telemetry/xds_stats.h"
#include "source/tls/secret/context_registry.h"

namespace nuncio::listener {

// All listeners of the process: takes their configurations, binds their addresses, waits until their routes and secrets
// are known, and hands them to the workers. Listening sockets belong to addresses and outlive updates. Main thread.
class ListenerRegistry final : public config::ResourceWatcher, private telemetry::StatsStore::LateCounter {
 public:
  ListenerRegistry(WorkerPool& workers, RouteRegistry& routes, tls::ContextRegistry& contexts,
                   access_log::LogWriter& logs, telemetry::StatsStore& stats, DrainPlan drain_plan);
  ~ListenerRegistry() override;

  // Where a listener stands, for the admin interface.
  struct Entry {
    std::string name;
    bool is_static = false;
    std::shared_ptr<const ListenerConfig> active;
    // Waits for its routes and secrets; the active one, if any, serves meanwhile.
    std::shared_ptr<const ListenerConfig> warming;
    std::string version;
    SystemTime updated_at{};
    // Wire form and version of what is active or, before the first, warming.
    std::shared_ptr<const std::string> bytes;
    // Of what is warming beside an active one.
    std::string warming_version;
    SystemTime warming_updated_at{};
    std::shared_ptr<const std::string> warming_bytes;
    // As bound: with the port that the kernel chose for 0.
    std::vector<net::Address> addresses;
  };

  // A listener of the bootstrap. Faults: an address that is taken or cannot be bound.
  void AddStatic(std::shared_ptr<const ListenerConfig> config, std::shared_ptr<const std::string> bytes,
                 config::Faults& faults);

  // Until then listeners bind their addresses and warm, but do not listen: what they forward to may not be known yet.
  void StartAccepting();

  // Names of the listeners, warming ones too.
  std::vector<Entry> Entries() const;
  size_t warming() const { return warming_count_; }
  // Runs `then` when nothing is warming any more, now or later.
  void WhenWarm(std::function<void()> then);

  // Ends all listening, or that of inbound listeners, after what waits in the queues was accepted.
  void StopListening(bool inbound_only);

  // Listeners from discovery.
  void OnUpdate(const config::ResourceUpdate& update, config::UpdateResult& result) override;
  void OnFirstFetchFailed(config::FetchFailure failure, std::string_view reason) override;
  void OnSubscriptionEvents(std::span<const config::SubscriptionEvent> events) override;
  bool first_answer() const { return first_answer_; }
  // Runs `then` once the first answer came or is not waited for any longer.
  void WhenFirstAnswer(std::function<void()> then);

 private:
  struct Sockets {
    // One per worker; without SO_REUSEPORT the same one for all.
    std::vector<std::shared_ptr<net::ListenSocket>> by_worker;
  };
  struct Generation {
    std::shared_ptr<const ListenerConfig> config;
    std::shared_ptr<const std::string> bytes;
    std::string version;
    SystemTime updated_at{};
    // By address of the config.
    std::vector<std::shared_ptr<Sockets>> sockets;
    // By chain, the default chain last; null where the chain has its own table.
    std::vector<std::shared_ptr<RouteSubscription>> routes;
    // Likewise; null for plain TCP.
    std::vector<std::shared_ptr<tls::LiveServerContext>> contexts;
    // Of both those that are not ready yet.
    size_t waits_for = 0;
    std::vector<proxy::AccessLogs> access_logs;
    proxy::AccessLogs connection_logs;
  };
  struct Listener {
    bool is_static = false;
    std::shared_ptr<ConnectionBalance> balance;
    std::shared_ptr<Generation> active;
    std::shared_ptr<Generation> warming;
  };

  void Apply(bool is_static, std::shared_ptr<const ListenerConfig> config, std::shared_ptr<const std::string> bytes,
             const std::string& version, config::Faults& faults);
  void Remove(const std::string& name);
  bool BindAddresses(const ListenerConfig& config, const Listener* before, Generation& generation,
                     config::Faults& faults);
  std::shared_ptr<Sockets> FindSockets(const Listener* before, const std::string& key) const;
  // Null: none was removed from there. Each is given away once.
  std::shared_ptr<Sockets> TakeRetired(const ListenAddress& address);
  // `listen`: at once, so that connections wait for the listener to be warm.
  absl::StatusOr<std::shared_ptr<Sockets>> Bind(const ListenAddress& address);
  bool OpenLogs(const ListenerConfig& config, Generation& generation, config::Faults& faults);
  bool AcquireContexts(const ListenerConfig& config, Generation& generation, config::Faults& faults);
  void AcquireRoutes(const ListenerConfig& config, Generation& generation);
  // Has CheckWarm called whenever something that the generation waits for is ready.
  void Await(const std::string& name, const std::shared_ptr<Generation>& generation);
  // Not null: another listener's, of the same address with a port.
  const ListenerConfig* HolderOf(const net::Address& address, const std::string& but_this) const;
  // Put the generation, or nothing, in its place.
  void SetWarming(Listener& listener, std::shared_ptr<Generation> generation);
  void SetActive(Listener& listener, std::shared_ptr<Generation> generation);
  void Replace(std::shared_ptr<Generation>& place, std::shared_ptr<Generation> generation, size_t& count);
  void CheckWarm(const std::string& name, const std::shared_ptr<Generation>& generation);
  void Activate(const std::string& name, const std::shared_ptr<Generation>& generation);
  void TellWarm();
  void CatchUp() override;
  // No listener of this direction is to listen again.
  bool Stopped(const ListenerConfig& config) const;
  void FirstAnswer();

  WorkerPool& workers_;
  RouteRegistry& routes_;
  tls::ContextRegistry& contexts_;
  access_log::LogWriter& logs_;
  telemetry::StatsStore& store_;
  const DrainPlan drain_plan_;
  const telemetry::ScopePtr scope_;
  const telemetry::ScopePtr lds_scope_;
  telemetry::ListenerManagerStats& stats_;
  std::map<std::string, Listener> listeners_;
  // All generations in listeners_, by each of their addresses with a port.
  std::unordered_multimap<net::Address, const Generation*, net::AddressHash> by_address_;
  // By ListenAddress::SocketKey, while an update is taken: sockets of listeners that it removed, for those that it puts
  // in their place. Workers let go of them later, and an address without SO_REUSEPORT could not be bound until then.
  std::unordered_map<std::string, std::shared_ptr<Sockets>> retired_;
  // Of listeners that were removed, held by the workers that still have them.
  std::vector<std::weak_ptr<ConnectionBalance>> draining_;
  WeakSweep draining_sweep_;
  size_t active_count_ = 0;
  size_t warming_count_ = 0;
  std::vector<std::function<void()>> when_warm_;
  std::vector<std::function<void()>> when_first_answer_;
  bool accepting_ = false;
  bool first_answer_ = false;
  bool stopped_ = false;
  bool inbound_stopped_ = false;
};

}  // namespace nuncio::listener
