#pragma once

#include <cstdint>
#include <string>

#include "source/access_log/worker_log.h"
#include "source/base/local_ref.h"
#include "source/base/delegate.h"
#include "source/base/object_pool.h"
#include "source/base/slab_pool.h"
#include "source/http/date.h"
#include "source/http/h2/h2_pools.h"
#include "source/route/route_table.h"
#include "source/telemetry/stats_store.h"
#include "source/upstream/worker_services.h"

namespace nuncio::upstream {
class WorkerClusters;
}

namespace nuncio::proxy {

class Stream;

// Who this proxy is, for headers. Constant after start.
struct LocalNode {
  std::string service_cluster;
  std::string service_node;
};

// What one worker lends to the connections and streams it runs. Outlives them.
struct WorkerServices : upstream::WorkerServices {
  http::DateText& date;
  access_log::WorkerLog& log;
  upstream::WorkerClusters& clusters;
  telemetry::StatsStore& stats;
  const LocalNode& node;
  ObjectPool<Stream>& streams;
  // Of DownstreamConnection.
  SlabPool& connections;
  http::h2::H2Pools& http2;
  // Soon, memory that nobody needs any more is given back: to be said where much may have been freed.
  Delegate<void()> trim_soon;
  // Last number given to a connection or stream; the worker counts within a range of its own, so numbers are unique in
  // the process.
  uint64_t last_id = 0;
};

// Where a worker's streams find the route table that is in force. One per source of routes and worker; the main thread
// replaces `table` by a closure on the worker.
struct RouteCell {
  // Empty until the first table arrived.
  LocalRef<route::RouteTable> table;
};

}  // namespace nuncio::proxy
