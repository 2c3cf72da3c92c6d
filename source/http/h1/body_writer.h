#pragma once

#include <cstdint>

#include "source/buffer/buffer.h"
#include "source/http/h1/framing.h"

namespace nuncio::http::h1 {

// Frames a message's content into a connection's output, moving slices. What the announced length does not cover is
// dropped, so that nothing can be taken for the next message.
class BodyWriter {
 public:
  void Start(const Framing& framing) {
    kind_ = framing.kind;
    remaining_ = framing.length;
    broken_ = false;
  }

  // Takes all of `data`.
  void Write(buffer::Buffer& data, bool end_stream, buffer::Buffer& out);
  // The end of the body with trailers, which only chunked bodies can carry.
  void WriteTrailers(const HeaderMap& trailers, bool enabled, buffer::Buffer& out);

  BodyKind kind() const { return kind_; }
  // More or less came than was announced: the connection cannot be used further.
  bool broken() const { return broken_; }

 private:
  void WriteChunk(buffer::Buffer& data, bool end_stream, buffer::Buffer& out);

  BodyKind kind_ = BodyKind::kNone;
  bool broken_ = false;
  uint64_t remaining_ = 0;
};

}  // namespace nuncio::http::h1
