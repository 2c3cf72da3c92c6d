#pragma once

#include <cstddef>
#include <cstdint>

#include "source/base/slab_pool.h"

namespace nuncio::buffer {

// One contiguous piece of memory in a buffer's chain. Valid bytes are [begin, end) of `data()`.
struct Slice {
  Slice* next;
  uint32_t begin;
  uint32_t end;
  uint32_t capacity;
  uint32_t size_class;

  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
  size_t length() const { return end - begin; }
  size_t room() const { return capacity - end; }
};

// Slices in two sizes: small ones for message heads, large ones for reading and for bodies. One per worker, not
// thread-safe; buffers that exchange slices share one pool, which must outlive them.
class SlicePool {
 public:
  // Usable bytes. Together with the header they fill 2 KiB and 32 KiB.
  static constexpr size_t kSmall = 2048 - sizeof(Slice);
  static constexpr size_t kLarge = 32768 - sizeof(Slice);
  // Free large slices kept: 2 MiB. What is over goes back to the heap.
  static constexpr size_t kMaxFreeLarge = 64;

  SlicePool() = default;
  SlicePool(const SlicePool&) = delete;
  SlicePool& operator=(const SlicePool&) = delete;
  ~SlicePool();

  // An empty slice with at least `size` bytes of room; above kLarge a heap allocation of exactly that size.
  Slice* Take(size_t size);
  void Return(Slice* slice);
  // As SlabPool's.
  bool Trim();

  // Bytes of slices now outside the pool.
  size_t bytes_in_use() const { return bytes_in_use_; }

 private:
  enum SizeClass : uint32_t { kClassSmall, kClassLarge, kClassOversize };
  Slice* TakeLarge();

  SlabPool small_{sizeof(Slice) + kSmall};
  Slice* free_large_ = nullptr;
  size_t free_large_count_ = 0;
  size_t unneeded_large_ = 0;  // The least that there were since Trim looked.
  size_t bytes_in_use_ = 0;
};

}  // namespace nuncio::buffer
