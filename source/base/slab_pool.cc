#include "source/base/slab_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#include "source/base/thread_check.h"

namespace nuncio {
namespace {

// Not malloc: that would keep what it gets back for itself.
char* MapAligned(size_t size) {
  void* const memory = mmap(nullptr, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  auto* const begin = static_cast<char*>(memory);
  const size_t before = (size - reinterpret_cast<uintptr_t>(begin) % size) % size;
  if (before > 0) munmap(begin, before);
  munmap(begin + before + size, size - before);
  return begin + before;
}

}  // namespace

SlabPool::SlabPool(size_t object_size)
    : object_size_((object_size + 15) / 16 * 16),
      per_slab_(static_cast<uint32_t>((kSlabBytes - kHeader) / object_size_)) {
  NUNCIO_ASSERT(per_slab_ >= 4);
}

SlabPool::~SlabPool() {
  PutNear();
  NUNCIO_ASSERT(slabs_ == empty_);
  while (empty_ > 0) ReleaseLast();
}

SlabPool::Slab& SlabPool::AddSlab() {
  auto* slab = new (static_cast<void*>(MapAligned(kSlabBytes))) Slab(*this);
  ++slabs_;
  ++empty_;
  open_.PushFront(*slab);
  return *slab;
}

void* SlabPool::TakeFromSlab() {
  Slab* slab = open_.front();
  if (slab == nullptr) [[unlikely]] slab = &AddSlab();
  if (slab->used++ == 0) unneeded_ = std::min(unneeded_, --empty_);
  void* object = slab->free;
  if (object != nullptr) {
    slab->free = slab->free->next;
  } else {
    object = reinterpret_cast<char*>(slab) + kHeader + slab->fresh++ * object_size_;
  }
  if (slab->used == per_slab_) slab->Unlink();
  return object;
}

void SlabPool::Put(void* object) {
  Slab& slab = SlabOf(object);
  slab.free = new (object) Free{slab.free};
  if (!slab.linked()) open_.PushFront(slab);
  if (--slab.used > 0) return;
  ++empty_;
  slab.Unlink();
  open_.PushBack(slab);
}

void SlabPool::PutNear() {
  while (near_ != nullptr) Put(std::exchange(near_, near_->next));
  near_count_ = 0;
}

bool SlabPool::Trim() {
  for (; unneeded_ > 0; --unneeded_) ReleaseLast();
  PutNear();
  unneeded_ = empty_;
  return empty_ > 0;
}

void SlabPool::ReleaseLast() {
  Slab* const slab = open_.back();
  --slabs_;
  --empty_;
  slab->~Slab();
  munmap(slab, kSlabBytes);
}

}  // namespace nuncio
