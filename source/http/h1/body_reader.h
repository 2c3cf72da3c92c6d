#pragma once

#include <cstddef>
#include <cstdint>

#include "source/buffer/buffer.h"
#include "source/http/codec.h"
#include "source/http/h1/framing.h"
#include "source/http/h1/head_block.h"

namespace nuncio::http::h1 {

// Takes a message's content out of its framing, moving slices (RFC 9112 6, 7.1).
class BodyReader {
 public:
  enum class Status : uint8_t {
    kMore,      // The body goes on with more input. What is left of this one is an incomplete trailer section.
    kEnd,       // The body is complete, without trailers. For kUntilClose this never comes.
    kTrailers,  // The content is complete, and a trailer section of trailers_size() bytes stands first in the input.
    kFault,     // error() tells.
  };

  // `max_trailer_bytes` bounds a trailer section.
  void Start(const Framing& framing, size_t max_trailer_bytes);
  // Appends what content there is to `content`.
  Status Read(buffer::Buffer& in, buffer::Buffer& content);

  BodyKind kind() const { return kind_; }
  // So many of the next bytes are content, whatever they are; UINT64_MAX: all that come. Of chunks 0.
  uint64_t unframed() const {
    return kind_ == BodyKind::kLength ? remaining_ : kind_ == BodyKind::kUntilClose ? UINT64_MAX : 0;
  }
  size_t trailers_size() const { return trailers_size_; }
  const DecodeError& error() const { return *error_; }

 private:
  enum class ChunkState : uint8_t {
    kSizeFirst,  // The first digit of a size, which must be there.
    kSize,
    kExtension,
    kSizeLf,  // After the CR of the size's line.
    kData,
    kDataCr,
    kDataLf,
    kTrailers,
  };
  // Chunk lines that carry more than this beyond what the chunks are worth are an attack on whoever parses them; as
  // many bytes may one line's extension have.
  static constexpr uint32_t kMaxExtension = 4096;
  static constexpr uint64_t kMaxOverhead = 16 * 1024;
  static constexpr uint64_t kOverheadPerChunk = 16;

  Status ReadChunked(buffer::Buffer& in, buffer::Buffer& content);
  // Consumes bytes of chunk framing; false on a fault.
  bool ReadFraming(buffer::Buffer& in);
  // One byte of framing; null or the fault.
  const DecodeError* Step(char c);
  const DecodeError* EndSizeLine();
  Status FindTrailers(buffer::Buffer& in);

  BodyKind kind_ = BodyKind::kNone;
  ChunkState state_ = ChunkState::kSizeFirst;
  uint8_t size_digits_ = 0;
  uint32_t extension_bytes_ = 0;
  uint64_t remaining_ = 0;  // Of the body (kLength) or the chunk.
  uint64_t overhead_ = 0;
  size_t max_trailer_bytes_ = 0;
  size_t trailers_size_ = 0;
  const DecodeError* error_ = nullptr;
  BlockEndFinder trailers_end_;
};

}  // namespace nuncio::http::h1
