#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace nuncio {

// Recycles the memory of objects of one type: New constructs, Delete destroys, and in a steady state neither reaches
// the heap. One per worker; not thread-safe. Must outlive its objects.
template <typename T, size_t kMaxFree = 4096>
class ObjectPool {
 public:
  ObjectPool() = default;
  ObjectPool(const ObjectPool&) = delete;
  ObjectPool& operator=(const ObjectPool&) = delete;
  ~ObjectPool() {
    while (free_ != nullptr) {
      Slot* next = free_->next;
      ::operator delete(free_, std::align_val_t(alignof(Slot)));
      free_ = next;
    }
  }

  template <typename... Args>
  T* New(Args&&... args) {
    Slot* slot = free_;
    if (slot != nullptr) {
      free_ = slot->next;
      --free_count_;
    } else {
      slot = static_cast<Slot*>(::operator new(sizeof(Slot), std::align_val_t(alignof(Slot))));
    }
    return new (static_cast<void*>(slot)) T(std::forward<Args>(args)...);
  }

  void Delete(T* object) {
    object->~T();
    auto* slot = reinterpret_cast<Slot*>(object);
    if (free_count_ >= kMaxFree) {
      ::operator delete(slot, std::align_val_t(alignof(Slot)));
      return;
    }
    slot->next = free_;
    free_ = slot;
    ++free_count_;
  }

 private:
  union Slot {
    Slot* next;
    alignas(T) char storage[sizeof(T)];
  };
  Slot* free_ = nullptr;
  size_t free_count_ = 0;
};

}  // namespace nuncio
