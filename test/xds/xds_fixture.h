#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "envoy/service/discovery/v3/discovery.pb.h"
#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"
#include "source/base/strings.h"
#include "source/telemetry/xds_stats.h"
#include "source/xds/xds_client.h"

namespace nuncio::xds {

using envoy::service::discovery::v3::DiscoveryRequest;
using envoy::service::discovery::v3::DiscoveryResponse;
using Texts = std::vector<std::string>;

// A resource is a text "name=value" in a StringValue; the value "bad" is a fault.
struct Word : config::CompiledResource {
  std::string value;
};

class WordType : public config::ResourceType {
 public:
  WordType(std::string type_url, bool absence_is_removal)
      : type_url_(std::move(type_url)), absence_is_removal_(absence_is_removal) {}
  std::string_view type_url() const override { return type_url_; }
  bool absence_is_removal() const override { return absence_is_removal_; }
  std::shared_ptr<const config::CompiledResource> Compile(std::string_view bytes, std::string& name,
                                                          config::Faults& faults) const override {
    ++compiled;
    google::protobuf::StringValue text;
    text.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    const size_t equals = text.value().find('=');
    if (equals == std::string::npos) {
      faults.Add("has no name");
      return nullptr;
    }
    name = text.value().substr(0, equals);
    auto word = std::make_shared<Word>();
    word->value = text.value().substr(equals + 1);
    if (word->value == "bad") {
      faults.Add("value", "is bad");
      return nullptr;
    }
    return word;
  }

  // Written by the configuration thread; read where that is idle.
  mutable int compiled = 0;

 private:
  const std::string type_url_;
  const bool absence_is_removal_;
};

// Notes what it is told: "+a=1@v", "-a", "first" for an empty update, "failed: reason".
class Watcher : public config::ResourceWatcher {
 public:
  void OnUpdate(const config::ResourceUpdate& update, config::UpdateResult& result) override {
    if (update.added_or_changed.empty() && update.removed.empty()) told.push_back("first");
    for (const auto& resource : update.added_or_changed) {
      if (resource.name == refuses) {
        config::Faults faults;
        faults.Add("name", "not wanted");
        result.Refuse(resource.name, std::move(faults));
        continue;
      }
      told.push_back(StrCat("+", resource.name, "=", resource.As<Word>()->value, "@", resource.version));
    }
    for (const auto& name : update.removed) told.push_back(StrCat("-", name));
  }
  void OnFirstFetchFailed(config::FetchFailure, std::string_view reason) override {
    told.push_back(StrCat("failed: ", reason));
  }
  void OnSubscriptionEvents(std::span<const config::SubscriptionEvent> events) override {
    ++times_told_events;
    config::RecordEvents(events, stats);
  }
  // What was told since the last call.
  Texts Take() { return std::exchange(told, {}); }

  Texts told;
  std::string refuses;
  int times_told_events = 0;
  telemetry::SubscriptionStats stats;
};

// A control plane played by the test.
class FakeTransport : public Transport {
 public:
  struct Link : Stream {
    Link(FakeTransport& owner, StreamEvents& to) : transport(owner), events(to) {}
    ~Link() override { transport.link = nullptr; }
    void Send(std::string_view bytes) override {
      transport.sent.emplace_back().ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    }
    void PauseReading(bool pause) override { paused = pause; }
    FakeTransport& transport;
    StreamEvents& events;
    bool paused = false;
  };
  std::unique_ptr<Stream> Open(const config::GrpcTarget& target, std::string_view path, StreamEvents& events) override {
    ++opened;
    cluster = target.cluster;
    last_path = path;
    auto made = std::make_unique<Link>(*this, events);
    link = made.get();
    return made;
  }
  // The requests since the last call.
  std::vector<DiscoveryRequest> TakeSent() { return std::exchange(sent, {}); }

  int opened = 0;
  std::string cluster;
  std::string last_path;
  Link* link = nullptr;
  std::vector<DiscoveryRequest> sent;
};

class XdsTest : public testing::Test {
 protected:
  XdsTest() {
    directory_ = testing::TempDir() + "/xds-" + std::to_string(getpid());
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }
  ~XdsTest() override {
    client_.reset();
    std::filesystem::remove_all(directory_);
  }

  void Start(bool ads = true, std::string state_directory = "") {
    client_.reset();
    DiscoveryRequest request;
    request.mutable_node()->set_id("the-node");
    XdsClient::Options options{loop_, random_, stats_, unknown_, {}, nullptr, std::nullopt, std::move(state_directory)};
    options.node = std::make_shared<const std::string>(request.node().SerializeAsString());
    if (ads) options.ads = grpc_;
    auto transport = std::make_unique<FakeTransport>();
    transport_ = transport.get();
    client_ = std::make_unique<XdsClient>(options, std::move(transport));
  }

  // Until nothing is left to be done at this time.
  void Settle() {
    for (int i = 0; i < 6; ++i) {
      loop_.RunOnce();
      client_->thread().WaitIdle();
    }
  }
  void Advance(Duration by) {
    clock_.Advance(by);
    Settle();
  }
  void Answer(const WordType& type, std::string_view version, const Texts& words) {
    DiscoveryResponse response;
    response.set_type_url(std::string(type.type_url()));
    response.set_version_info(std::string(version));
    response.set_nonce(StrCat("n", version));
    for (const std::string& word : words) AddWord(type, word, response);
    ASSERT_NE(nullptr, transport_->link);
    transport_->link->events.OnMessage(response.SerializeAsString());
    Settle();
  }
  static void AddWord(const WordType& type, const std::string& word, DiscoveryResponse& response) {
    google::protobuf::StringValue value;
    value.set_value(word);
    auto* any = response.add_resources();
    any->set_type_url(std::string(type.type_url()));
    any->set_value(value.SerializeAsString());
  }
  // An answer of heartbeats by name, and of words.
  void AnswerHeartbeats(const WordType& type, std::string_view version, const Texts& names, const Texts& words = {}) {
    DiscoveryResponse response;
    response.set_type_url(std::string(type.type_url()));
    response.set_version_info(std::string(version));
    response.set_nonce(StrCat("h", version));
    for (const std::string& name : names) {
      envoy::service::discovery::v3::Resource heartbeat;
      heartbeat.set_name(name);
      response.add_resources()->PackFrom(heartbeat);
    }
    for (const std::string& word : words) AddWord(type, word, response);
    transport_->link->events.OnMessage(response.SerializeAsString());
    Settle();
  }
  void Lose() {
    transport_->link->events.OnClosed("lost by test");
    Settle();
  }
  std::unique_ptr<config::Subscription> Subscribe(const WordType& type, config::ResourceNames names, Watcher& watcher,
                                                  config::ConfigSource source = {config::AdsSource{}}) {
    return client_->Subscribe(source, type, std::move(names), watcher);
  }
  static Texts NamesOf(const DiscoveryRequest& request) {
    return {request.resource_names().begin(), request.resource_names().end()};
  }

  const WordType clusters_{"type.googleapis.com/envoy.config.cluster.v3.Cluster", true};
  const WordType endpoints_{"type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment", false};
  const WordType listeners_{"type.googleapis.com/envoy.config.listener.v3.Listener", true};
  SimulatedClock clock_;
  event::EventLoop loop_{clock_};
  Random random_{1};
  telemetry::StatsStore stats_;
  telemetry::Counter unknown_;
  config::GrpcSource grpc_ = [] {
    config::GrpcSource source;
    source.target.cluster = "control_plane";
    source.target.authority = "control_plane";
    return source;
  }();
  std::string directory_;
  FakeTransport* transport_ = nullptr;
  std::unique_ptr<XdsClient> client_;
};

}  // namespace nuncio::xds
