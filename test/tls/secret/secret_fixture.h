#pragma once

#include <stdlib.h>

#include <cstdio>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/strings.h"
#include "source/config/fault.h"
#include "source/config/subscription.h"
#include "source/event/event_loop.h"
#include "source/telemetry/stats_store.h"
#include "source/tls/client_context.h"
#include "source/tls/context_compiler.h"
#include "source/tls/secret/context_registry.h"
#include "source/tls/server_context.h"
#include "test/tls/test_pki.h"

namespace nuncio::tls {

namespace v3 = envoy::extensions::transport_sockets::tls::v3;

// Where secrets come from by discovery.
class FakeSubscriptions : public config::SubscriptionFactory {
 public:
  std::unique_ptr<config::Subscription> Subscribe(const config::ConfigSource&, const config::ResourceType&,
                                                  config::ResourceNames names,
                                                  config::ResourceWatcher& watcher) override {
    asked.push_back(names.names.front());
    watchers_.push_back({names.names.front(), &watcher});
    return std::make_unique<Handle>(*this, watcher);
  }

  // To all who watch the name. What they have against it.
  std::string Send(const std::string& name, std::shared_ptr<const Secret> secret, const std::string& version = "1") {
    std::string refused;
    for (config::ResourceWatcher* watcher : Watchers(name)) {
      config::UpdateResult result;
      watcher->OnUpdate({version, {{name, version, secret, nullptr}}, {}}, result);
      for (const auto& refusal : result.refusals()) {
        refused += StrCat(refusal.name, ": ", refusal.faults.ToString(), "\n");
      }
      const config::SubscriptionEvent event{result.refusals().empty() ? config::SubscriptionEvent::Kind::kTaken
                                                                      : config::SubscriptionEvent::Kind::kRefused,
                                            version};
      watcher->OnSubscriptionEvents({&event, 1});
    }
    return refused;
  }
  void FailFirst(const std::string& name) {
    for (config::ResourceWatcher* watcher : Watchers(name)) {
      watcher->OnFirstFetchFailed(config::FetchFailure::kTimedOut, "told by test");
      const config::SubscriptionEvent timed_out{config::SubscriptionEvent::Kind::kTimedOut};
      watcher->OnSubscriptionEvents({&timed_out, 1});
    }
  }
  size_t watchers() const { return watchers_.size(); }

  std::vector<std::string> asked;

 private:
  struct Handle final : config::Subscription {
    Handle(FakeSubscriptions& owner, config::ResourceWatcher& watcher) : owner(owner), watcher(watcher) {}
    ~Handle() override { std::erase_if(owner.watchers_, [this](const auto& each) { return each.second == &watcher; }); }
    void UpdateNames(std::vector<std::string>) override {}
    FakeSubscriptions& owner;
    config::ResourceWatcher& watcher;
  };

  std::vector<config::ResourceWatcher*> Watchers(const std::string& name) const {
    std::vector<config::ResourceWatcher*> out;
    for (const auto& [known, watcher] : watchers_) {
      if (known == name) out.push_back(watcher);
    }
    return out;
  }

  std::vector<std::pair<std::string, config::ResourceWatcher*>> watchers_;
};

// A registry of contexts with main and one worker, files in a folder of their own, and jobs that run when they are told
// to.
class SecretFixture : public testing::Test {
 protected:
  static constexpr int64_t kEpoch = 1767225600;  // Where SimulatedClock begins.

  SecretFixture() {
    registry_.AddThread(loop_);
    registry_.AddThread(worker_);
  }
  ~SecretFixture() override {
    std::filesystem::remove_all(directory_);
    Turn();
  }

  std::string Path(const std::string& name) const { return directory_ + "/" + name; }
  // Moved into its place, whole.
  void Put(const std::string& name, std::string_view text) {
    std::ofstream(Path(name + ".new")) << text;
    ASSERT_EQ(0, rename(Path(name + ".new").c_str(), Path(name).c_str()));
  }
  void PutPair(const Identity& identity) {
    Put("tls.crt", identity.Pem());
    Put("tls.key", identity.KeyPem());
  }

  void RunJobs() {
    while (!jobs_.empty()) {
      auto job = std::move(jobs_.front());
      jobs_.pop_front();
      if (auto then = job(); then) then();
    }
  }
  void Turn() {
    for (int i = 0; i < 2; ++i) {
      loop_.RunOnce();
      worker_.RunOnce();
    }
  }
  // Changed files are noticed, read and taken or refused.
  void Settle() {
    Turn();
    clock_.Advance(LiveSecret::kSettle);
    Turn();
    RunJobs();
    Turn();
  }

  // Messages.
  static void Fill(const Identity& identity, v3::TlsCertificate& out) {
    out.mutable_certificate_chain()->set_inline_string(identity.Pem());
    out.mutable_private_key()->set_inline_string(identity.KeyPem());
  }
  void FillWithFiles(v3::TlsCertificate& out) const {
    out.mutable_certificate_chain()->set_filename(Path("tls.crt"));
    out.mutable_private_key()->set_filename(Path("tls.key"));
  }
  static v3::DownstreamTlsContext Downstream(const Identity& identity) {
    v3::DownstreamTlsContext out;
    Fill(identity, *out.mutable_common_tls_context()->add_tls_certificates());
    return out;
  }
  v3::DownstreamTlsContext DownstreamWithFiles() const {
    v3::DownstreamTlsContext out;
    FillWithFiles(*out.mutable_common_tls_context()->add_tls_certificates());
    return out;
  }
  // By discovery, or of the bootstrap.
  static void Name(v3::SdsSecretConfig& out, const std::string& name, bool discovered = true) {
    out.set_name(name);
    if (discovered) out.mutable_sds_config()->mutable_ads();
  }
  static v3::DownstreamTlsContext DownstreamNamed(const std::string& name, bool discovered = true) {
    v3::DownstreamTlsContext out;
    Name(*out.mutable_common_tls_context()->add_tls_certificate_sds_secret_configs(), name, discovered);
    return out;
  }

  // What is compiled of them, without faults.
  static std::shared_ptr<const DownstreamTlsConfig> Compile(const v3::DownstreamTlsContext& message) {
    config::Faults faults;
    auto out = CompileDownstreamTls(message, config::DataSourceAccess::kRead, faults);
    EXPECT_EQ("", faults.ToString());
    return out;
  }
  static std::shared_ptr<const UpstreamTlsConfig> Compile(const v3::UpstreamTlsContext& message) {
    config::Faults faults;
    auto out = CompileUpstreamTls(message, config::DataSourceAccess::kRead, faults);
    EXPECT_EQ("", faults.ToString());
    return out;
  }
  static std::shared_ptr<const Secret> Compile(const v3::Secret& message) {
    config::Faults faults;
    auto out = CompileSecret(message, config::DataSourceAccess::kRead, faults);
    EXPECT_EQ("", faults.ToString());
    return out;
  }
  static std::shared_ptr<const Secret> CertificateNamed(const std::string& name, const Identity& identity) {
    v3::Secret message;
    message.set_name(name);
    Fill(identity, *message.mutable_tls_certificate());
    return Compile(message);
  }
  static std::shared_ptr<const Secret> RootsNamed(const std::string& name, const Identity& authority) {
    v3::Secret message;
    message.set_name(name);
    message.mutable_validation_context()->mutable_trusted_ca()->set_inline_string(authority.Pem());
    return Compile(message);
  }

  std::shared_ptr<LiveServerContext> Acquire(const v3::DownstreamTlsContext& message,
                                             const std::string& listener = "l") {
    config::Faults faults;
    auto out = registry_.AcquireServer(Compile(message), listener, listener, faults);
    EXPECT_EQ("", faults.ToString());
    return out;
  }
  std::string AcquireFault(const v3::DownstreamTlsContext& message) {
    config::Faults faults;
    EXPECT_EQ(nullptr, registry_.AcquireServer(Compile(message), "l", "l", faults));
    return faults.ToString();
  }
  int64_t Stat(std::string_view name) { return stats_.Find(name).value_or(-1); }

  static std::string MakeDirectory() {
    std::string path = testing::TempDir() + "/secrets_XXXXXX";
    return mkdtemp(path.data());
  }

  const std::string directory_ = MakeDirectory();
  SimulatedClock clock_;
  event::EventLoop loop_{clock_};
  event::EventLoop worker_{clock_};
  telemetry::StatsStore stats_;
  std::deque<std::function<std::function<void()>()>> jobs_;
  FakeSubscriptions subscriptions_;
  const SecretType type_{config::DataSourceAccess::kRead};
  // What opening a key log gives; by default it fails.
  std::shared_ptr<KeyLogSink> key_log_;
  ContextRegistry registry_{{loop_, stats_, [this](auto job) { jobs_.push_back(std::move(job)); }, type_,
                             &subscriptions_, [this](const std::string&) { return key_log_; }}};

  const Identity authority_ =
      Issue({.name = "authority", .ca = true, .not_after = int64_t{3650} * 86400}, nullptr, kEpoch);
  const Identity first_ = IssueOwn("first", 100);
  const Identity second_ = IssueOwn("second", 200);

  Identity IssueOwn(const std::string& name, int64_t days) const {
    return Issue({.name = name, .dns = {name + ".test"}, .not_after = 3650 * 86400 + days * 86400}, &authority_,
                 kEpoch);
  }
  // Of the first certificate in force: "CN=first,O=Nuncio".
  static std::string Subject(const LiveContextBase& context) {
    const ContextSecrets secrets = context.secrets();
    return secrets.empty() || secrets[0]->certificates.empty() ? "" : secrets[0]->certificates[0]->subject;
  }
};

}  // namespace nuncio::tls
