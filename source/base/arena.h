#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "source/base/slab_pool.h"

namespace nuncio {

// Equally sized blocks for arenas. One per worker; not thread-safe.
class ArenaBlockPool {
 public:
  // Bytes. A slab holds sixteen.
  static constexpr size_t kBlockSize = 4080;

  void* Take() { return memory_.Take(); }
  void Return(void* block) { SlabPool::Return(block); }
  // As SlabPool's.
  bool Trim() { return memory_.Trim(); }

 private:
  SlabPool memory_{kBlockSize};
};

// Bump allocation for what lives as long as one stream. Destructors are not run: put only trivially destructible
// objects here. A request of ordinary size needs one block of the pool and nothing from the heap. Larger single
// allocations get a heap block of their own. Returned memory is uninitialised. Not thread-safe.
class Arena {
 public:
  explicit Arena(ArenaBlockPool& pool) : pool_(pool) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { Reset(); }

  void* Allocate(size_t size, size_t alignment = alignof(std::max_align_t)) {
    const uintptr_t at = (cursor_ + alignment - 1) & ~(alignment - 1);
    if (at + size <= limit_) [[likely]] {
      cursor_ = at + size;
      return reinterpret_cast<void*>(at);
    }
    return AllocateSlow(size, alignment);
  }

  template <typename T, typename... Args>
  T* New(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (Allocate(sizeof(T), alignof(T))) T(std::forward<Args>(args)...);
  }

  // Uninitialised array.
  template <typename T>
  T* NewArray(size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    return static_cast<T*>(Allocate(sizeof(T) * count, alignof(T)));
  }

  std::string_view Copy(std::string_view s) {
    char* to = static_cast<char*>(Allocate(s.size(), 1));
    if (!s.empty()) memcpy(to, s.data(), s.size());
    return {to, s.size()};
  }

  std::string_view Concat(std::string_view a, std::string_view b, std::string_view c = {}) {
    char* to = static_cast<char*>(Allocate(a.size() + b.size() + c.size(), 1));
    if (!a.empty()) memcpy(to, a.data(), a.size());
    if (!b.empty()) memcpy(to + a.size(), b.data(), b.size());
    if (!c.empty()) memcpy(to + a.size() + b.size(), c.data(), c.size());
    return {to, a.size() + b.size() + c.size()};
  }

  // Decimal text of a number.
  std::string_view Number(uint64_t value) {
    char digits[20];
    char* at = digits + sizeof(digits);
    do {
      *--at = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    return Copy({at, static_cast<size_t>(digits + sizeof(digits) - at)});
  }

  // Frees everything at once; all pointers into the arena die.
  void Reset();
  // Bytes held from pool and heap.
  size_t held() const { return held_; }
  ArenaBlockPool& pool() { return pool_; }

 private:
  struct Block {
    Block* next;
    bool pooled;
  };
  void* AllocateSlow(size_t size, size_t alignment);

  ArenaBlockPool& pool_;
  uintptr_t cursor_ = 0;
  uintptr_t limit_ = 0;
  Block* blocks_ = nullptr;
  size_t held_ = 0;
};

}  // namespace nuncio
