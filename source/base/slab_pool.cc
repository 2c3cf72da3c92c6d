#include "source/base/slab_pool.h"

#include <sys/mman.h>

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
    : object_size_((object_size + 15) / 16 * 16), per_slab_(static_cast<uint32_t>((kSlabBytes - kHeader) / object_size_)) {
  NUNCIO_ASSERT(per_slab_ >= 4);
}

SlabPool::~SlabPool() {
  NUNCIO_ASSERT(slabs_ == (spare_ == nullptr ? 0u : 1u));
  if (spare_ != nullptr) Release(*spare_);
}

SlabPool::Slab& SlabPool::AddSlab() {
  auto* slab = new (static_cast<void*>(MapAligned(kSlabBytes))) Slab(*this);
  ++slabs_;
  open_.PushFront(*slab);
  return *slab;
}

void* SlabPool::Take() {
  Slab* slab = open_.front();
  if (slab == nullptr) slab = &AddSlab();
  if (slab == spare_) spare_ = nullptr;
  ++slab->used;
  void* object;
  if (slab->free != nullptr) {
    object = slab->free;
    slab->free = slab->free->next;
  } else {
    object = reinterpret_cast<char*>(slab) + kHeader + slab->fresh++ * object_size_;
  }
  if (slab->used == per_slab_) slab->Unlink();
  return object;
}

void SlabPool::Return(void* object) {
  auto* slab = reinterpret_cast<Slab*>(reinterpret_cast<uintptr_t>(object) & ~(kSlabBytes - 1));
  slab->pool.Put(*slab, object);
}

void SlabPool::Put(Slab& slab, void* object) {
  slab.free = new (object) Free{slab.free};
  if (!slab.linked()) open_.PushFront(slab);
  if (--slab.used > 0) return;
  if (spare_ != nullptr) {
    Release(slab);
    return;
  }
  spare_ = &slab;
  // Others are to be filled first.
  slab.Unlink();
  open_.PushBack(slab);
}

void SlabPool::Release(Slab& slab) {
  --slabs_;
  slab.~Slab();
  munmap(&slab, kSlabBytes);
}

}  // namespace nuncio
