#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/config/subscription.h"
#include "source/telemetry/stats_store.h"
#include "source/xds/source.h"

namespace nuncio::xds {

// All dynamic configuration: subscriptions to control planes and files. Main thread; resources are compiled on a thread
// of its own. Outlives its subscriptions; resource types outlive it.
class XdsClient final : public config::SubscriptionFactory {
 public:
  struct Options {
    event::EventLoop& loop;
    Random& random;
    telemetry::StatsStore& stats;
    // Where unknown fields of dynamic resources are counted.
    telemetry::Counter& dynamic_unknown_fields;
    config::UnknownFieldsPolicy unknown_fields;
    // A serialized envoy.config.core.v3.Node.
    std::shared_ptr<const std::string> node;
    // The bootstrap's `ads_config`.
    std::optional<config::GrpcSource> ads;
    // Where the last good resources are kept; empty: nowhere.
    std::string state_directory;
  };
  XdsClient(const Options& options, std::unique_ptr<Transport> transport);
  ~XdsClient() override;

  // `ads` without Options::ads fails with kNoSource.
  std::unique_ptr<config::Subscription> Subscribe(const config::ConfigSource& source, const config::ResourceType& type,
                                                  config::ResourceNames names,
                                                  config::ResourceWatcher& watcher) override;

  // Every resource of the type that is asked for, in force or refused; in order of names for each source.
  std::vector<ResourceStatus> Statuses(std::string_view type_url) const;

  // Ends all streams, saves what is to be kept, and ends the configuration thread. Subscriptions may remain; nothing
  // comes to them any more. Before the end of the clusters that streams go over.
  void Stop();

  ConfigThread& thread() { return thread_; }

 private:
  // A kind of source, and the type where the kind has one stream per type.
  struct Entry {
    decltype(config::ConfigSource::kind) kind;
    std::string type_url;
    std::unique_ptr<Source> source;
  };
  Source& Find(const config::ConfigSource& source, const config::ResourceType& type);
  std::unique_ptr<Source> Make(const config::ConfigSource& source, std::string_view type_url);
  std::unique_ptr<Source> MakeStream(const config::GrpcSource& grpc, std::string_view type_url);

  telemetry::StatsStore& stats_;
  const std::optional<config::GrpcSource> ads_;
  const std::unique_ptr<Transport> transport_;
  ConfigThread thread_;
  MemoryReturn memory_;
  std::unique_ptr<StateStore> store_;
  const SourceServices services_;
  std::vector<Entry> sources_;
};

}  // namespace nuncio::xds
