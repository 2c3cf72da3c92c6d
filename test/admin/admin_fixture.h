#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "envoy/config/cluster/v3/cluster.pb.h"
#include "envoy/config/listener/v3/listener.pb.h"
#include "gtest/gtest.h"
#include "source/admin/admin_server.h"
#include "source/admin/endpoints.h"
#include "source/base/strings.h"
#include "source/config/typed_config.h"
#include "source/config/yaml_loader.h"
#include "source/listener/listener_compiler.h"
#include "source/extensions/http_filter_types.h"
#include "source/proxy/route_configuration_type.h"
#include "source/tls/context_compiler.h"
#include "source/upstream/cluster_compiler.h"

namespace nuncio::admin {

class FakeServer final : public ServerControl {
 public:
  ServerState state() const override { return now; }
  uint32_t concurrency() const override { return 3; }
  SystemTime started_at() const override { return SystemTime(std::chrono::seconds(1767225600)); }
  Duration uptime() const override { return std::chrono::milliseconds(90500); }
  void SetHealthFailing(bool failing) override { calls.push_back(failing ? "fail" : "ok"); }
  void DrainListeners(const ListenerDrain& drain) override {
    calls.push_back(StrCat("drain", drain.graceful ? " graceful" : "", drain.inbound_only ? " inbound" : "",
                           drain.keep_listening ? " and go on" : ""));
  }
  void Quit() override { calls.push_back("quit"); }

  ServerState now = ServerState::kLive;
  std::vector<std::string> calls;
};

// The admin interface's surroundings: real registries without traffic, and time that moves by command.
class AdminFixture : public testing::Test {
 protected:
  AdminFixture() {
    contexts_.AddThread(loop_);
    contexts_.AddThread(workers_.at(0).loop());
    clusters_.AddThread(loop_, main_clusters_);
  }
  ~AdminFixture() override {
    main_clusters_.Clear();
    loop_.RunOnce();
  }

  AdminServices services() {
    return {loop_, stats_, clusters_, listeners_, routes_, contexts_,
            logs_, limit_, options_,  bootstrap_, server_, refused_};
  }
  AdminAnswer Ask(std::string_view target, http::Method method = http::Method::kGet) {
    services_ = std::make_unique<AdminServices>(services());
    return Answer(*services_, AdminRequest(method, target));
  }
  // The whole body, made in pieces of `slice` bytes.
  static std::string Body(AdminAnswer answer, size_t slice = 4096) {
    std::string out = std::move(answer.body);
    if (answer.source != nullptr) {
      while (answer.source->Next(out, slice)) {
      }
    }
    return out;
  }
  std::string Get(std::string_view target) { return Body(Ask(target)); }

  static std::shared_ptr<const upstream::ClusterConfig> CompileCluster(std::string_view yaml,
                                                                       std::shared_ptr<const std::string>& bytes) {
    config::Faults faults;
    envoy::config::cluster::v3::Cluster message;
    config::LoadText(yaml, config::TextFormat::kYaml, message, faults);
    config::CheckMessage(message, faults);
    auto config = upstream::CompileCluster(message, config::DataSourceAccess::kRead, faults);
    EXPECT_EQ("", faults.ToString());
    bytes = std::make_shared<const std::string>(message.SerializeAsString());
    return config;
  }
  void AddStaticCluster(std::string_view yaml) {
    std::shared_ptr<const std::string> bytes;
    auto config = CompileCluster(yaml, bytes);
    EXPECT_TRUE(clusters_.AddStatic(config, bytes).empty());
  }
  void AddDynamicCluster(std::string_view yaml, std::string_view version) {
    std::shared_ptr<const std::string> bytes;
    auto config = CompileCluster(yaml, bytes);
    EXPECT_TRUE(clusters_.ApplyUpdate({config->name, std::string(version), config, bytes}).empty());
  }
  void AddListener(std::string_view yaml) {
    config::Faults faults;
    envoy::config::listener::v3::Listener message;
    config::LoadText(yaml, config::TextFormat::kYaml, message, faults);
    config::CheckMessage(message, faults);
    auto config = listener::CompileListener(message, config::DataSourceAccess::kRead, faults);
    ASSERT_EQ("", faults.ToString());
    listeners_.AddStatic(config, std::make_shared<const std::string>(message.SerializeAsString()), faults);
    ASSERT_EQ("", faults.ToString());
    listeners_.StartAccepting();
  }

  static std::string ClusterText(std::string_view name, std::string_view ip = "10.0.0.1") {
    return StrCat("{name: ", name,
                  ", load_assignment: {cluster_name: c, endpoints: {lb_endpoints: {endpoint: {address: "
                  "{socket_address: {address: ",
                  ip, ", port_value: 80}}}}}}}");
  }

 private:
  class Home final : public ObjectHome {
   public:
    void TakeBack(std::shared_ptr<const void>) override {}
  };
  class NoSubscriptions final : public config::SubscriptionFactory {
    class Idle final : public config::Subscription {
      void UpdateNames(std::vector<std::string>) override {}
    };

   public:
    std::unique_ptr<config::Subscription> Subscribe(const config::ConfigSource&, const config::ResourceType&,
                                                    config::ResourceNames, config::ResourceWatcher&) override {
      return std::make_unique<Idle>();
    }
  };
  listener::Worker::Options WorkerOptions() {
    listener::Worker::Options out;
    out.clock = &clock_;
    out.stats = &stats_;
    out.connection_limit = &limit_;
    out.home = &home_;
    out.node = &node_;
    out.logs = &logs_;
    return out;
  }

 protected:
  SimulatedClock clock_;
  event::EventLoop loop_{clock_};
  telemetry::StatsStore stats_;
  access_log::LogWriter logs_{stats_, {}};
  listener::ConnectionLimit limit_;
  Home home_;
  const proxy::LocalNode node_{"cluster", "node"};
  buffer::SlicePool slices_;
  ArenaBlockPool arena_blocks_;
  Random random_{1};
  upstream::WorkerServices main_services_{loop_, slices_, arena_blocks_, random_, telemetry::kMainSlot};
  upstream::WorkerClusters main_clusters_{main_services_, home_};
  NoSubscriptions subscriptions_;
  // Never started: what is posted to it waits.
  listener::WorkerPool workers_{1, WorkerOptions(), {}};
  tls::SecretType secret_type_{config::DataSourceAccess::kRead};
  tls::ContextRegistry contexts_{{loop_, stats_, [](auto job) {
                                    if (auto then = job(); then) then();
                                  },
                                  secret_type_}};
  upstream::ClusterRegistry clusters_{{loop_, random_, stats_, {}, {}, nullptr, 2, &contexts_}};
  proxy::RouteConfigurationType route_type_{config::DataSourceAccess::kRead, extensions::HttpFilterTypes()};
  listener::RouteRegistry routes_{workers_, stats_, route_type_, subscriptions_};
  listener::ListenerRegistry listeners_{workers_, routes_, contexts_, logs_, stats_, {}};
  bootstrap::Options options_;
  bootstrap::BootstrapConfig bootstrap_;
  FakeServer server_;
  std::function<std::vector<RefusedResource>(std::string_view)> refused_;
  std::unique_ptr<AdminServices> services_;
};

}  // namespace nuncio::admin
