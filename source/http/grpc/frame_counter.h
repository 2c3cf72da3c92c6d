#pragma once

#include <cstdint>
#include <string_view>

#include "source/buffer/buffer.h"

namespace nuncio::http::grpc {

// Counts the messages of a body that passes by in pieces, and keeps nothing of it. What is no gRPC is counted as if it
// were. Not thread-safe.
class FrameCounter {
 public:
  // How many messages begin in `data`.
  uint64_t Count(const buffer::Buffer& data);

  // Bytes since the end of the last message that is complete.
  uint64_t since_boundary() const { return since_boundary_; }

 private:
  uint64_t CountRun(std::string_view run);

  uint64_t since_boundary_ = 0;
  // Of the message that has begun, once all of its header is here.
  uint64_t body_left_ = 0;
};

}  // namespace nuncio::http::grpc
