#include "source/http/h2/nghttp2_memory.h"

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace nuncio::http::h2 {
namespace {

Nghttp2Memory& Self(void* user_data) { return *static_cast<Nghttp2Memory*>(user_data); }

}  // namespace

Nghttp2Memory::Nghttp2Memory() {
  functions_.mem_user_data = this;
  functions_.malloc = [](size_t size, void* user_data) { return Self(user_data).Allocate(size); };
  functions_.free = [](void* pointer, void* user_data) { Self(user_data).Free(pointer); };
  functions_.calloc = [](size_t count, size_t size, void* user_data) -> void* {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;
    void* pointer = Self(user_data).Allocate(bytes);
    if (pointer != nullptr) memset(pointer, 0, bytes);
    return pointer;
  };
  functions_.realloc = [](void* pointer, size_t size, void* user_data) {
    return Self(user_data).Reallocate(pointer, size);
  };
}

Nghttp2Memory::~Nghttp2Memory() {
  for (FreeBlock* block : free_) {
    while (block != nullptr) {
      FreeBlock* next = block->next;
      free(HeaderOf(block));
      block = next;
    }
  }
}

void* Nghttp2Memory::Allocate(size_t size) {
  if (size > SIZE_MAX / 2) return nullptr;
  const size_t whole = size + sizeof(Header);
  const size_t shift = std::bit_width((whole - 1) >> kSmallestShift);
  Header* header;
  if (shift >= kClasses) {
    header = static_cast<Header*>(malloc(whole));
    if (header == nullptr) return nullptr;
    header->size_class = kUnpooled;
    header->capacity = size;
  } else if (free_[shift] != nullptr) {
    FreeBlock* block = free_[shift];
    free_[shift] = block->next;
    header = HeaderOf(block);
    free_bytes_ -= size_t{1} << (kSmallestShift + shift);
  } else {
    const size_t block_size = size_t{1} << (kSmallestShift + shift);
    header = static_cast<Header*>(malloc(block_size));
    if (header == nullptr) return nullptr;
    header->size_class = shift;
    header->capacity = block_size - sizeof(Header);
  }
  ++blocks_in_use_;
  return header + 1;
}

void Nghttp2Memory::Free(void* pointer) {
  if (pointer == nullptr) return;
  --blocks_in_use_;
  Header* header = HeaderOf(pointer);
  const size_t block_size = header->capacity + sizeof(Header);
  if (header->size_class == kUnpooled || free_bytes_ + block_size > kMaxFreeBytes) {
    free(header);
    return;
  }
  auto* block = static_cast<FreeBlock*>(pointer);
  block->next = free_[header->size_class];
  free_[header->size_class] = block;
  free_bytes_ += block_size;
}

void* Nghttp2Memory::Reallocate(void* pointer, size_t size) {
  if (pointer == nullptr) return Allocate(size);
  const size_t capacity = HeaderOf(pointer)->capacity;
  if (size <= capacity) return pointer;
  void* larger = Allocate(size);
  if (larger == nullptr) return nullptr;
  memcpy(larger, pointer, capacity);
  Free(pointer);
  return larger;
}

}  // namespace nuncio::http::h2
