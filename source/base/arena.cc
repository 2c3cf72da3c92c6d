#include "source/base/arena.h"

namespace nuncio {

void* Arena::AllocateSlow(size_t size, size_t alignment) {
  // The header keeps alignment for every fundamental type; a larger alignment is asked for by nobody.
  constexpr size_t kHeader = (sizeof(Block) + alignof(std::max_align_t) - 1) & ~(alignof(std::max_align_t) - 1);
  if (size + kHeader > ArenaBlockPool::kBlockSize) {
    auto* block = static_cast<Block*>(::operator new(size + kHeader));
    block->pooled = false;
    block->next = blocks_;
    blocks_ = block;
    held_ += size + kHeader;
    return reinterpret_cast<char*>(block) + kHeader;
  }
  auto* block = static_cast<Block*>(pool_.Take());
  block->pooled = true;
  block->next = blocks_;
  blocks_ = block;
  held_ += ArenaBlockPool::kBlockSize;
  cursor_ = reinterpret_cast<uintptr_t>(block) + kHeader;
  limit_ = reinterpret_cast<uintptr_t>(block) + ArenaBlockPool::kBlockSize;
  return Allocate(size, alignment);
}

void Arena::Reset() {
  while (blocks_ != nullptr) {
    Block* next = blocks_->next;
    if (blocks_->pooled) {
      pool_.Return(blocks_);
    } else {
      ::operator delete(blocks_);
    }
    blocks_ = next;
  }
  cursor_ = limit_ = 0;
  held_ = 0;
}

}  // namespace nuncio
