#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/telemetry/scope.h"
#include "source/tls/secret/context_cell.h"
#include "source/tls/secret/live_secret.h"
#include "source/tls/secret/tls_config.h"

namespace nuncio::tls {

// A TLS context in force, whichever side it is for: its secrets, and whether it is there. Main thread.
class LiveContextBase : protected LiveSecret::User {
 public:
  LiveContextBase(const LiveContextBase&) = delete;
  LiveContextBase& operator=(const LiveContextBase&) = delete;

  // The context is there, or its secrets are not waited for any longer.
  bool ready() const { return ready_; }
  // Runs `then` once ready, at once where it is; at most until the owner of `guard` is gone.
  void WhenReady(std::weak_ptr<void> guard, std::function<void()> then);

  // Those that the context in force was made of or, before the first, those that have come. For /certs and expiry.
  ContextSecrets secrets() const { return in_force_.empty() ? Come() : in_force_; }
  // Its SslSocketFactoryStats, of which workers write their own.
  const telemetry::ScopePtr& scope() const { return scope_; }

 protected:
  LiveContextBase(std::string label, telemetry::ScopeName owner, std::string_view factory,
                  const SecretServices& services);
  ~LiveContextBase() { Leave(); }

  void Use(std::vector<std::shared_ptr<LiveSecret>> secrets);
  void Leave();
  // What has come.
  ContextSecrets Come() const;
  // All are ready. `complete`: all are there.
  bool AllReady(bool& complete) const;
  void BecomeReady();
  // A context was made of these.
  void SetInForce(const TlsConfig& config, ContextSecrets secrets);
  void Refused(const absl::Status& status);

  const SecretServices& services_;
  const std::string label_;
  const telemetry::ScopeName owner_;
  const telemetry::ScopePtr scope_;
  std::vector<std::shared_ptr<LiveSecret>> secrets_;

 private:
  bool ready_ = false;
  std::vector<std::pair<std::weak_ptr<void>, std::function<void()>>> waiting_;
  ContextSecrets in_force_;
  // Of the gauges of expiry.
  std::vector<telemetry::ScopePtr> certificate_scopes_;
};

// One built of a Config (DownstreamTlsConfig, UpstreamTlsConfig), anew whenever a secret changes, and published to the
// cells of all threads.
template <typename Config>
class LiveContext final : public LiveContextBase, public std::enable_shared_from_this<LiveContext<Config>> {
 public:
  using Context = typename Config::Context;
  using Cells = std::vector<std::shared_ptr<ContextCell<Context>>>;

  // `threads`: those with a cell, main first. `owner`: of the scope that `factory` stands in.
  LiveContext(const SecretServices& services, const std::vector<event::EventLoop*>& threads, std::string label,
              telemetry::ScopeName owner, std::string_view factory, std::shared_ptr<const Config> config);
  ~LiveContext();

  // Once.
  void Start(std::vector<std::shared_ptr<LiveSecret>> secrets, std::shared_ptr<KeyLogSink> sink);

  const Cells& cells() const { return cells_; }
  const std::shared_ptr<const Config>& config() const { return config_; }
  // Null before there is one.
  const std::shared_ptr<const Context>& current() const { return current_; }

 private:
  void OnSecret() override;
  void Build();
  void OnBuilt(const absl::StatusOr<std::shared_ptr<const Context>>& context, const ContextSecrets& secrets);
  void Publish(std::shared_ptr<const Context> context);

  const std::vector<event::EventLoop*>& threads_;
  const std::shared_ptr<const Config> config_;
  std::shared_ptr<KeyLogSink> sink_;
  std::shared_ptr<const Context> current_;
  Cells cells_;
  // A job is making one; `again_`: of what is not the newest any more.
  bool building_ = false;
  bool again_ = false;
};

using LiveServerContext = LiveContext<DownstreamTlsConfig>;
using LiveClientContext = LiveContext<UpstreamTlsConfig>;

}  // namespace nuncio::tls
