#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "source/base/random.h"
#include "source/config/subscription.h"
#include "source/event/event_loop.h"
#include "source/telemetry/counter.h"
#include "source/telemetry/stats_store.h"
#include "source/xds/config_thread.h"
#include "source/xds/memory_return.h"
#include "source/xds/resource_status.h"
#include "source/xds/state_store.h"
#include "source/xds/transport.h"

namespace nuncio::xds {

// What every source works with. All of it outlives the source.
struct SourceServices {
  event::EventLoop& loop;
  telemetry::StatsStore& stats;
  Random& random;
  ConfigThread& thread;
  MemoryReturn& memory;
  Transport& transport;
  // Null: there is no state directory.
  StateStore* store;
  // A serialized envoy.config.core.v3.Node.
  std::shared_ptr<const std::string> node;
  // What becomes of fields that resources have and this program does not; and where they are counted.
  config::UnknownFieldsPolicy unknown_fields;
  telemetry::Counter& dynamic_unknown_fields;
};

// One place that resources come from. Main thread.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::unique_ptr<config::Subscription> Subscribe(const config::ConfigSource& source,
                                                          const config::ResourceType& type,
                                                          config::ResourceNames names,
                                                          config::ResourceWatcher& watcher) = 0;
  // Nobody subscribes to anything here.
  virtual bool idle() const = 0;
  virtual void AppendStatuses(std::string_view type_url, std::vector<ResourceStatus>& out) const = 0;
  // The last call: no stream, no reading, no calls to watchers any more.
  virtual void Stop() = 0;
};

// Logs what an answer was warned of, and counts it.
void ReportWarnings(const CompiledResponse& response, const SourceServices& services);

}  // namespace nuncio::xds
