#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "source/base/intrusive_list.h"

namespace nuncio {

// Memory for objects of one size, taken from the system in slabs. What is given back is taken again first; slabs that
// nothing is in for a while go back to the system, so that a process which served many at once does not keep their
// memory. One per worker, not thread-safe. Must outlive its objects.
class SlabPool {
 public:
  // Of every slab, its header included.
  static constexpr size_t kSlabBytes = 64 * 1024;

  // `object_size` in bytes, at most a quarter of a slab.
  explicit SlabPool(size_t object_size);
  SlabPool(const SlabPool&) = delete;
  SlabPool& operator=(const SlabPool&) = delete;
  ~SlabPool();

  // Aligned to 16 bytes. Without memory left the process ends, as with operator new.
  void* Take() {
    if (near_ == nullptr) [[unlikely]] return TakeFromSlab();
    --near_count_;
    return std::exchange(near_, near_->next);
  }
  // To the pool that it came from.
  static void Return(void* object) {
    SlabPool& pool = SlabOf(object).pool;
    if (pool.near_count_ == kMaxNear) [[unlikely]] {
      pool.Put(object);
      return;
    }
    ++pool.near_count_;
    pool.near_ = new (object) Free{pool.near_};
  }

  // Gives back the slabs that were empty ever since the last call. To be called from time to time, as long as it
  // returns true: there is still an empty one.
  bool Trim();

  size_t slabs() const { return slabs_; }

 private:
  struct Free {
    Free* next;
  };
  struct Slab : ListNode<Slab> {
    explicit Slab(SlabPool& pool) : pool(pool) {}
    SlabPool& pool;
    Free* free = nullptr;
    uint32_t used = 0;
    uint32_t fresh = 0;  // Objects from this one on were never taken.
  };
  static constexpr size_t kHeader = 64;
  // So many free objects are kept apart, for which no slab is touched.
  static constexpr size_t kMaxNear = 64;
  static_assert(sizeof(Slab) <= kHeader);

  static Slab& SlabOf(void* object) {
    return *reinterpret_cast<Slab*>(reinterpret_cast<uintptr_t>(object) & ~(kSlabBytes - 1));
  }
  void* TakeFromSlab();
  void Put(void* object);
  void PutNear();
  Slab& AddSlab();
  void ReleaseLast();

  const size_t object_size_;
  const uint32_t per_slab_;
  Free* near_ = nullptr;
  size_t near_count_ = 0;
  size_t slabs_ = 0;
  // Those with room, the empty ones last.
  IntrusiveList<Slab> open_;
  size_t empty_ = 0;
  size_t unneeded_ = 0;  // The least that `empty_` was since Trim looked.
};

}  // namespace nuncio
