#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "source/base/strings.h"
#include "source/telemetry/block.h"
#include "source/telemetry/scope.h"

// Statistics of gRPC calls, below the cluster that serves them: `cluster.NAME.grpc.SERVICE.METHOD.success`.
namespace nuncio::telemetry {

#define NUNCIO_GRPC_CALL_STATS(X) \
  X(Counter, success)             \
  X(Counter, failure)             \
  X(Counter, total)
NUNCIO_STATS_BLOCK(GrpcCallStats, "", NUNCIO_GRPC_CALL_STATS);

#define NUNCIO_GRPC_MESSAGE_STATS(X) \
  X(Counter, request_message_count)  \
  X(Counter, response_message_count)
NUNCIO_STATS_BLOCK(GrpcMessageStats, "", NUNCIO_GRPC_MESSAGE_STATS);

#define NUNCIO_GRPC_TIME_STATS(X) X(Histogram, upstream_rq_time)
NUNCIO_STATS_BLOCK(GrpcTimeStats, "", NUNCIO_GRPC_TIME_STATS);

// Calls that were not counted by method because there were too many of these, or the name was too long.
#define NUNCIO_GRPC_OVERFLOW_STATS(X) X(Counter, methods_overflow)
NUNCIO_STATS_BLOCK(GrpcOverflowStats, "", NUNCIO_GRPC_OVERFLOW_STATS);

// One thread's figures of one method, or of all of a cluster. Statistics show from their first use on; only that use
// allocates.
class GrpcMethodStats {
 public:
  GrpcMethodStats(ScopePtr scope, StatsSlot slot) : scope_(std::move(scope)), slot_(slot) {}
  GrpcMethodStats(const GrpcMethodStats&) = delete;
  GrpcMethodStats& operator=(const GrpcMethodStats&) = delete;

  // By the value of `grpc-status`: counted under its number, where gRPC knows it, and as success or failure.
  void CountCall(std::string_view status);
  void CountRequestMessages(uint64_t count) { messages().request_message_count.Add(count); }
  void CountResponseMessages(uint64_t count) { messages().response_message_count.Add(count); }
  void RecordUpstreamTime(uint64_t millis);

 private:
  static constexpr size_t kStatuses = 17;
  GrpcMessageStats& messages();

  const ScopePtr scope_;
  const StatsSlot slot_;
  // Null until first used.
  GrpcCallStats* calls_ = nullptr;
  GrpcMessageStats* messages_ = nullptr;
  GrpcTimeStats* times_ = nullptr;
  std::array<Counter*, kStatuses> statuses_{};
};

// One thread's figures of the gRPC calls of one cluster. The names of methods come from clients, so there is a limit to
// them: what exceeds it is counted without its method.
class GrpcStats {
 public:
  // Over all threads.
  static constexpr size_t kMaxMethods = 1000;
  // Bytes, of service and method together.
  static constexpr size_t kMaxNameLength = 256;

  enum class Naming : uint8_t { kGrpc, kGrpcWithoutDots /* '_' for '.' in the service */, kGrpcWeb };

  GrpcStats(ScopePtr cluster, StatsSlot slot) : cluster_(std::move(cluster)), slot_(slot) {}
  GrpcStats(const GrpcStats&) = delete;
  GrpcStats& operator=(const GrpcStats&) = delete;

  // `method`: "SERVICE/METHOD". Allocates when it sees one for the first time.
  GrpcMethodStats& OfMethod(Naming naming, std::string_view method);
  // Those that are not counted by method.
  GrpcMethodStats& OfOthers(Naming naming);

 private:
  struct Family {
    absl::flat_hash_map<std::string, std::unique_ptr<GrpcMethodStats>, TransparentHash, std::equal_to<>> methods;
    std::unique_ptr<GrpcMethodStats> others;
  };
  ScopeName NameOf(Naming naming) const;
  GrpcMethodStats* Add(Naming naming, std::string_view method);
  GrpcMethodStats& Overflow(Naming naming);

  const ScopePtr cluster_;
  const StatsSlot slot_;
  std::array<Family, 3> families_;
  GrpcOverflowStats* overflow_ = nullptr;
  // The limit was met: no further method is looked for, so that a flood of names costs nothing.
  bool full_ = false;
};

}  // namespace nuncio::telemetry
