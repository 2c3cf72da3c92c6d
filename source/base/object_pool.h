#pragma once

#include <new>
#include <utility>

#include "source/base/slab_pool.h"

namespace nuncio {

// Recycles the memory of objects of one type: New constructs, Delete destroys, and in a steady state neither reaches
// the heap. One per worker; not thread-safe. Must outlive its objects.
template <typename T>
class ObjectPool {
 public:
  template <typename... Args>
  T* New(Args&&... args) {
    static_assert(alignof(T) <= 16);
    return new (memory_.Take()) T(std::forward<Args>(args)...);
  }

  void Delete(T* object) {
    object->~T();
    SlabPool::Return(object);
  }

  // As SlabPool's.
  bool Trim() { return memory_.Trim(); }

 private:
  SlabPool memory_{sizeof(T)};
};

}  // namespace nuncio
