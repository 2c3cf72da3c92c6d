#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "source/base/arena.h"
#include "source/buffer/buffer.h"

namespace nuncio::http::h1 {

// Finds the empty line that ends a head or a trailer section while bytes trickle in; each byte is looked at once. Line
// ends are taken leniently here (a bare LF counts), so that a head that uses them is found, parsed, and refused.
class BlockEndFinder {
 public:
  // A block that begins with lines: the head of a message.
  void BeginHead() { scanned_ = 0, state_ = State::kText; }
  // A block that may be an empty line only: trailers.
  void BeginTrailers() { scanned_ = 0, state_ = State::kLineStart; }

  // The size of the block with its empty line, at most `limit`; 0 when its end is not among the first `limit` bytes of
  // `data`. Between calls `data` may only grow.
  size_t Find(const buffer::Buffer& data, size_t limit);

  // Bytes of `data` known to hold no end.
  size_t scanned() const { return scanned_; }

 private:
  // kLineStart: after LF. kLineStartCr: after LF CR.
  enum class State : uint8_t { kText, kLineStart, kLineStartCr };
  // The position after the end; null when it is not in [p, end).
  const char* FindIn(const char* p, const char* end);

  size_t scanned_ = 0;
  State state_ = State::kText;
};

// Takes the first `size` bytes out of `data` into the arena, followed by kScanPadding zero bytes.
std::string_view TakeBlock(buffer::Buffer& data, size_t size, Arena& arena);

}  // namespace nuncio::http::h1
