#pragma once

#include <cstddef>
#include <cstdint>

#include "source/base/intrusive_list.h"

namespace nuncio {

// Memory for objects of one size, taken from the system in slabs. A slab whose objects are all gone goes back, so that a
// process which served many at once does not keep their memory; one is kept for those to come. For objects whose number
// rises and falls by thousands; what a steady state recycles is better off with ObjectPool. One per worker, not
// thread-safe. Must outlive its objects.
class SlabPool {
 public:
  // Of every slab, its header included.
  static constexpr size_t kSlabBytes = 128 * 1024;

  // `object_size` in bytes, at most a quarter of a slab.
  explicit SlabPool(size_t object_size);
  SlabPool(const SlabPool&) = delete;
  SlabPool& operator=(const SlabPool&) = delete;
  ~SlabPool();

  // Aligned to 16 bytes. Without memory left the process ends, as with operator new.
  void* Take();
  // To the pool that it came from.
  static void Return(void* object);

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
  static_assert(sizeof(Slab) <= kHeader);

  Slab& AddSlab();
  void Put(Slab& slab, void* object);
  void Release(Slab& slab);

  const size_t object_size_;
  const uint32_t per_slab_;
  size_t slabs_ = 0;
  // Those with room. Those that were full a moment ago stand first: they are the likeliest to be filled again, and others
  // get the time to become empty.
  IntrusiveList<Slab> open_;
  Slab* spare_ = nullptr;  // One of them that is empty.
};

}  // namespace nuncio
