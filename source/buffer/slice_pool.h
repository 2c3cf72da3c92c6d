#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "source/base/slab_pool.h"
#include "source/buffer/splice_pipe.h"

namespace nuncio::buffer {

// One contiguous piece of memory in a buffer's chain. Valid bytes are [begin, end) of `data()`; those of a piece that
// is in the kernel cannot be reached, they are in `pipe()`.
struct Slice {
  enum class Kind : uint32_t { kSmall, kLarge, kOversize, kInKernel };

  Slice* next;
  uint32_t begin;
  uint32_t end;
  uint32_t capacity;
  Kind kind;

  bool in_kernel() const { return kind == Kind::kInKernel; }
  SplicePipe*& pipe() { return *reinterpret_cast<SplicePipe**>(this + 1); }
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
  // The slice of all that is in the pipe, which comes from pipes() and goes back there with the slice.
  Slice* Wrap(std::unique_ptr<SplicePipe> pipe);
  SplicePipes& pipes() { return pipes_; }
  void Return(Slice* slice);
  // As SlabPool's.
  bool Trim();

  // Bytes of memory of slices now outside the pool.
  size_t bytes_in_use() const { return bytes_in_use_; }

 private:
  Slice* TakeLarge();
  void Unwrap(Slice* slice);

  SlabPool small_{sizeof(Slice) + kSmall};
  Slice* free_large_ = nullptr;
  size_t free_large_count_ = 0;
  size_t unneeded_large_ = 0;  // The least that there were since Trim looked.
  size_t bytes_in_use_ = 0;
  SplicePipes pipes_;
};

}  // namespace nuncio::buffer
