#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/config/subscription.h"
#include "source/event/event_loop.h"
#include "source/event/file_watch.h"
#include "source/telemetry/stats_store.h"
#include "source/tls/context_config.h"
#include "source/tls/secret/secret.h"

namespace nuncio::tls {

// What secrets and contexts in force work with. Outlives them.
struct SecretServices {
  event::EventLoop& loop;
  telemetry::StatsStore& stats;
  // Runs a job on another thread, where files may be read and contexts made; what it returns runs on main, in the order
  // of the jobs.
  std::function<void(std::function<std::function<void()>()> job)> run;
  // SecretType (context_compiler.h).
  const config::ResourceType& type;
  config::SubscriptionFactory* subscriptions = nullptr;
  // Opens a key log; null where it cannot be.
  std::function<std::shared_ptr<KeyLogSink>(const std::string& path)> open_key_log = {};
};

// A secret in force: kept up with its files and its source. A new version that is faulty changes nothing. Main thread.
class LiveSecret final : public config::ResourceWatcher, public std::enable_shared_from_this<LiveSecret> {
 public:
  // How long after a change the files are read: those that belong together are rarely replaced in one step.
  static constexpr std::chrono::milliseconds kSettle{100};

  // Told when the secret changed, or is not waited for any longer.
  class User {
   public:
    virtual void OnSecret() = 0;

   protected:
    ~User() = default;
  };

  // One that is there. `label` names it in the log, `scope` has its KeyRotationStats.
  LiveSecret(const SecretServices& services, std::string label, telemetry::ScopePtr scope,
             std::shared_ptr<const Secret> secret);
  // One by discovery; what comes is refused unless it is of the kind. Start follows.
  LiveSecret(const SecretServices& services, std::string name, SecretKind kind, telemetry::ScopePtr scope);
  ~LiveSecret() override;

  // Once, of one by discovery.
  void Start(const config::ConfigSource& source);
  // Once, of one that is there: begins to watch its files.
  void Watch();

  // Null before it came.
  const std::shared_ptr<const Secret>& value() const { return value_; }
  // It is there, or not waited for any longer.
  bool ready() const { return value_ != nullptr || !waiting_; }

  // `user` outlives its entry here, which ends with RemoveUser.
  void AddUser(User& user) { users_.push_back(&user); }
  void RemoveUser(User& user) { std::erase(users_, &user); }

  // For /config_dump. Of one by discovery, once it came; without `bytes` before.
  const config::DecodedResource& resource() const { return resource_; }
  SystemTime updated_at() const { return updated_at_; }
  const std::string& name() const { return name_; }
  SecretKind kind() const { return kind_; }

 private:
  // config::ResourceWatcher
  void OnUpdate(const config::ResourceUpdate& update, config::UpdateResult& result) override;
  void OnFirstFetchFailed(config::FetchFailure failure, std::string_view reason) override;
  void OnSubscriptionEvents(std::span<const config::SubscriptionEvent> events) override;

  void Take(std::shared_ptr<const Secret> secret);
  // It is not waited for any longer, though it did not come.
  void StopWaiting();
  void TellUsers();
  void WatchFiles();
  void OnFileChanged() { settle_.Arm(kSettle); }
  void OnSettled();
  void OnRead(const std::shared_ptr<const Secret>& from, std::shared_ptr<const Secret> fresh,
              const config::Faults& faults);

  const SecretServices& services_;
  // In the log: "secret \"a\"", or the place in the configuration.
  const std::string label_;
  // Empty for one that stands within a context.
  const std::string name_;
  const SecretKind kind_;
  const telemetry::ScopePtr scope_;
  std::shared_ptr<const Secret> value_;
  config::DecodedResource resource_;
  SystemTime updated_at_{};
  bool waiting_ = false;
  std::vector<User*> users_;
  std::vector<std::unique_ptr<event::FileWatch>> watches_;
  event::Timer settle_;
  // Last member: ends before what its callbacks use.
  std::unique_ptr<config::Subscription> subscription_;
};

}  // namespace nuncio::tls
