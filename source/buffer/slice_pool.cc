#include "source/buffer/slice_pool.h"

#include <new>

namespace nuncio::buffer {
namespace {

void FreeAll(Slice* slice) {
  while (slice != nullptr) {
    Slice* next = slice->next;
    ::operator delete(slice);
    slice = next;
  }
}

}  // namespace

SlicePool::~SlicePool() {
  FreeAll(free_small_);
  FreeAll(free_large_);
}

Slice* SlicePool::Allocate(size_t capacity, SizeClass size_class) {
  auto* slice = static_cast<Slice*>(::operator new(sizeof(Slice) + capacity));
  slice->capacity = static_cast<uint32_t>(capacity);
  slice->size_class = size_class;
  return slice;
}

Slice* SlicePool::Take(size_t size) {
  Slice* slice;
  if (size <= kSmall) {
    if (free_small_ != nullptr) {
      slice = free_small_;
      free_small_ = slice->next;
      --free_small_count_;
    } else {
      slice = Allocate(kSmall, kClassSmall);
    }
  } else if (size <= kLarge) {
    if (free_large_ != nullptr) {
      slice = free_large_;
      free_large_ = slice->next;
      --free_large_count_;
    } else {
      slice = Allocate(kLarge, kClassLarge);
    }
  } else {
    slice = Allocate(size, kClassOversize);
  }
  slice->next = nullptr;
  slice->begin = slice->end = 0;
  bytes_in_use_ += slice->capacity;
  return slice;
}

void SlicePool::Return(Slice* slice) {
  bytes_in_use_ -= slice->capacity;
  if (slice->size_class == kClassSmall && free_small_count_ < kMaxFreeSmall) {
    slice->next = free_small_;
    free_small_ = slice;
    ++free_small_count_;
  } else if (slice->size_class == kClassLarge && free_large_count_ < kMaxFreeLarge) {
    slice->next = free_large_;
    free_large_ = slice;
    ++free_large_count_;
  } else {
    ::operator delete(slice);
  }
}

}  // namespace nuncio::buffer
