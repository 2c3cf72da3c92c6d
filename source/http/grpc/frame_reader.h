#pragma once

#include <cstddef>
#include <string_view>

#include "source/buffer/buffer.h"
#include "source/http/grpc/frame.h"
#include "source/http/grpc/status.h"

namespace nuncio::http::grpc {

// Takes the messages out of a body that arrives in pieces. Only the identity encoding is spoken: callers do not offer
// another in `grpc-accept-encoding`, so a compressed message is the peer's fault. Not thread-safe.
class FrameReader {
 public:
  enum class Result {
    kMessage,   // `message` was filled.
    kNeedMore,  // Nothing complete is left.
    kError,     // status() says what is wrong; nothing more can be read.
  };

  // A longer message is an error as soon as its length was read. `pool` must outlive the reader.
  explicit FrameReader(buffer::SlicePool& pool, size_t max_message_bytes = kDefaultMaxMessageBytes)
      : pending_(pool), max_message_bytes_(max_message_bytes) {}

  // Takes all of `data`.
  void Add(buffer::Buffer& data) { pending_.MoveFrom(data); }
  // Appends the next message's bytes to `message`, which the caller has emptied.
  Result Next(buffer::Buffer& message);
  // Whether the body may end here: no message has begun.
  bool at_boundary() const { return !in_message_ && pending_.empty(); }
  // OK unless Next returned kError.
  const Status& status() const { return status_; }

 private:
  Result Fail(StatusCode code, std::string message);

  buffer::Buffer pending_;
  const size_t max_message_bytes_;
  size_t message_size_ = 0;
  bool in_message_ = false;  // The header of the message was read.
  Status status_;
};

}  // namespace nuncio::http::grpc
