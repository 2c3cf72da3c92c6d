#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "source/base/arena.h"
#include "source/event/event_loop.h"
#include "source/telemetry/stats_store.h"

namespace nuncio::upstream {
class WorkerClusters;
}

namespace nuncio::filter {

class HttpFilter;
class HttpFilterHandle;

// What a worker lends to the filters of a connection manager. Outlives them.
struct HttpFilterServices {
  event::EventLoop& loop;
  telemetry::StatsStore& stats;
  // The worker's.
  telemetry::StatsSlot slot;
  upstream::WorkerClusters& clusters;
  // Of the connection manager.
  std::string_view stat_prefix;
};

// A filter of one connection manager on one worker: what its exchanges share there.
class HttpFilterFactory {
 public:
  virtual ~HttpFilterFactory() = default;
  // A filter for one exchange, in its arena; the chain runs its destructor.
  virtual HttpFilter* Create(HttpFilterHandle& stream, Arena& arena) = 0;
};

// What an extension compiles; it casts back by the entry's type. Immutable; any thread.
struct HttpFilterConfig {
  virtual ~HttpFilterConfig() = default;
};

// A place in a connection manager's chain.
struct HttpFilterEntry {
  // By which routes speak of it.
  std::string name;
  // Its kind: full name of the message that configures it. Static storage.
  std::string_view type;
  // Off, but where a route puts it in.
  bool disabled = false;
  std::shared_ptr<const HttpFilterConfig> config;
};

// Puts a filter into the arena.
template <typename Filter, typename... Args>
HttpFilter* NewInArena(Arena& arena, Args&&... args) {
  return new (arena.Allocate(sizeof(Filter), alignof(Filter))) Filter(std::forward<Args>(args)...);
}

}  // namespace nuncio::filter
