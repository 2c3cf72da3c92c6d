#pragma once

#include "source/base/arena.h"
#include "source/base/random.h"
#include "source/buffer/slice_pool.h"
#include "source/event/event_loop.h"
#include "source/telemetry/scope.h"

namespace nuncio::upstream {

// What the upstream floor uses of the thread that it works on. All of it outlives the clusters of that thread.
struct WorkerServices {
  event::EventLoop& loop;
  buffer::SlicePool& slices;
  ArenaBlockPool& arena_blocks;
  Random& random;
  // Main is slot 0.
  telemetry::StatsSlot slot;
};

// The statistics of a cluster; blocks are made by the thread that writes them.
struct ClusterScopes {
  telemetry::ScopePtr cluster;
  // `client_ssl_socket_factory`; set where there is TLS.
  telemetry::ScopePtr client_ssl_factory;
};

}  // namespace nuncio::upstream
