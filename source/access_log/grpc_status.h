#pragma once

#include <cstdint>
#include <optional>

#include "source/access_log/stream_info.h"

namespace nuncio::access_log {

// Stands for a `grpc-status` that is no number.
inline constexpr int64_t kInvalidGrpcStatus = -1;

// How the answer would read as one of gRPC: its `grpc-status`, of the trailers or the head; without one what gRPC makes
// of the HTTP status. nullopt: nothing was answered.
std::optional<int64_t> GrpcStatusOf(const StreamInfo& info);

}  // namespace nuncio::access_log
