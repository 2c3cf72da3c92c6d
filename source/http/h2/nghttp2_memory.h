#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>

namespace nuncio::http::h2 {

// Memory for nghttp2: free lists in powers of two, so that opening and closing streams does not reach the heap in a
// steady state. One per worker; not thread-safe. Must outlive the sessions that use it.
class Nghttp2Memory {
 public:
  // Free bytes kept; what is over goes back to the heap.
  static constexpr size_t kMaxFreeBytes = 8 << 20;

  Nghttp2Memory();
  Nghttp2Memory(const Nghttp2Memory&) = delete;
  Nghttp2Memory& operator=(const Nghttp2Memory&) = delete;
  ~Nghttp2Memory();

  // For nghttp2_session_*_new3, which copies the struct.
  nghttp2_mem* functions() { return &functions_; }

  void* Allocate(size_t size);
  void Free(void* pointer);
  void* Reallocate(void* pointer, size_t size);

  // Blocks handed out and not yet freed.
  size_t blocks_in_use() const { return blocks_in_use_; }
  size_t free_bytes() const { return free_bytes_; }

 private:
  // Blocks of 64 bytes to 32 KiB, their header included; larger ones go straight to the heap.
  static constexpr size_t kSmallestShift = 6;
  static constexpr size_t kClasses = 10;
  static constexpr size_t kUnpooled = kClasses;

  struct alignas(std::max_align_t) Header {
    size_t size_class;
    size_t capacity;  // Usable bytes after the header.
  };
  struct FreeBlock {
    FreeBlock* next;
  };
  static Header* HeaderOf(void* pointer) { return static_cast<Header*>(pointer) - 1; }

  nghttp2_mem functions_;
  FreeBlock* free_[kClasses] = {};
  size_t free_bytes_ = 0;
  size_t blocks_in_use_ = 0;
};

}  // namespace nuncio::http::h2
