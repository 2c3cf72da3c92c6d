#include "source/buffer/slice_pool.h"

#include <algorithm>
#include <new>
#include <utility>

namespace nuncio::buffer {
namespace {

Slice* Shape(void* memory, size_t capacity, Slice::Kind kind) {
  auto* slice = static_cast<Slice*>(memory);
  slice->next = nullptr;
  slice->begin = slice->end = 0;
  slice->capacity = static_cast<uint32_t>(capacity);
  slice->kind = kind;
  return slice;
}

}  // namespace

SlicePool::~SlicePool() {
  while (free_large_ != nullptr) ::operator delete(std::exchange(free_large_, free_large_->next));
}

Slice* SlicePool::Take(size_t size) {
  Slice* slice;
  if (size <= kSmall) {
    slice = Shape(small_.Take(), kSmall, Slice::Kind::kSmall);
  } else if (size <= kLarge) {
    slice = TakeLarge();
  } else {
    slice = Shape(::operator new(sizeof(Slice) + size), size, Slice::Kind::kOversize);
  }
  bytes_in_use_ += slice->capacity;
  return slice;
}

Slice* SlicePool::TakeLarge() {
  if (free_large_ == nullptr) return Shape(::operator new(sizeof(Slice) + kLarge), kLarge, Slice::Kind::kLarge);
  unneeded_large_ = std::min(unneeded_large_, --free_large_count_);
  return Shape(std::exchange(free_large_, free_large_->next), kLarge, Slice::Kind::kLarge);
}

Slice* SlicePool::Wrap(std::unique_ptr<SplicePipe> pipe) {
  Slice* slice = Take(sizeof(SplicePipe*));
  slice->kind = Slice::Kind::kInKernel;
  // No room behind it.
  slice->end = slice->capacity = static_cast<uint32_t>(pipe->length());
  slice->pipe() = pipe.release();
  return slice;
}

void SlicePool::Unwrap(Slice* slice) {
  pipes_.Return(std::unique_ptr<SplicePipe>(slice->pipe()));
  slice->capacity = kSmall;
  slice->kind = Slice::Kind::kSmall;
}

void SlicePool::Return(Slice* slice) {
  if (slice->in_kernel()) [[unlikely]] Unwrap(slice);
  bytes_in_use_ -= slice->capacity;
  if (slice->kind == Slice::Kind::kSmall) {
    SlabPool::Return(slice);
  } else if (slice->kind == Slice::Kind::kLarge && free_large_count_ < kMaxFreeLarge) {
    slice->next = free_large_;
    free_large_ = slice;
    ++free_large_count_;
  } else {
    ::operator delete(slice);
  }
}

bool SlicePool::Trim() {
  for (; unneeded_large_ > 0; --unneeded_large_, --free_large_count_) {
    ::operator delete(std::exchange(free_large_, free_large_->next));
  }
  unneeded_large_ = free_large_count_;
  return small_.Trim() || free_large_count_ > 0;
}

}  // namespace nuncio::buffer
