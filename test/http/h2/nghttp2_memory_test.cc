#include "source/http/h2/nghttp2_memory.h"

#include <cstring>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace nuncio::http::h2 {
namespace {

TEST(Nghttp2Memory, BlocksComeBack) {
  Nghttp2Memory memory;
  std::set<void*> first;
  std::vector<void*> blocks;
  for (int i = 0; i < 10; ++i) blocks.push_back(memory.Allocate(100));
  first.insert(blocks.begin(), blocks.end());
  EXPECT_EQ(first.size(), 10);
  for (void* block : blocks) memory.Free(block);
  EXPECT_EQ(memory.blocks_in_use(), 0);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(first.contains(blocks[i] = memory.Allocate(100 - i)));
  for (void* block : blocks) memory.Free(block);
}

TEST(Nghttp2Memory, EverySizeIsWholeAndAligned) {
  Nghttp2Memory memory;
  std::vector<void*> blocks;
  std::vector<size_t> sizes;
  for (size_t size = 0; size < 100000; size = size * 5 / 4 + 1) {
    void* block = memory.Allocate(size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % alignof(std::max_align_t), 0);
    memset(block, static_cast<int>(size & 0x7f), size);
    blocks.push_back(block);
    sizes.push_back(size);
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    const char* bytes = static_cast<const char*>(blocks[i]);
    for (size_t at = 0; at < sizes[i]; ++at) ASSERT_EQ(bytes[at], static_cast<char>(sizes[i] & 0x7f));
    memory.Free(blocks[i]);
  }
}

TEST(Nghttp2Memory, GrowingKeepsTheContent) {
  Nghttp2Memory memory;
  char* block = static_cast<char*>(memory.Reallocate(nullptr, 10));
  memcpy(block, "0123456789", 10);
  for (size_t size = 20; size < 200000; size *= 3) {
    block = static_cast<char*>(memory.Reallocate(block, size));
    EXPECT_EQ(memcmp(block, "0123456789", 10), 0);
  }
  memory.Free(block);
  EXPECT_EQ(memory.blocks_in_use(), 0);
}

TEST(Nghttp2Memory, WhatIsKeptIsBounded) {
  Nghttp2Memory memory;
  std::vector<void*> blocks;
  for (size_t bytes = 0; bytes < 3 * Nghttp2Memory::kMaxFreeBytes; bytes += 20000) {
    blocks.push_back(memory.Allocate(20000));
  }
  for (void* block : blocks) memory.Free(block);
  EXPECT_LE(memory.free_bytes(), Nghttp2Memory::kMaxFreeBytes);
  EXPECT_GT(memory.free_bytes(), 0);
}

TEST(Nghttp2Memory, ZeroedArrays) {
  Nghttp2Memory memory;
  nghttp2_mem* functions = memory.functions();
  void* dirty = memory.Allocate(128);
  memset(dirty, 0xff, 128);
  memory.Free(dirty);
  auto* bytes = static_cast<unsigned char*>(functions->calloc(16, 8, functions->mem_user_data));
  for (int i = 0; i < 128; ++i) EXPECT_EQ(bytes[i], 0);
  functions->free(bytes, functions->mem_user_data);
  EXPECT_EQ(functions->calloc(SIZE_MAX, 8, functions->mem_user_data), nullptr);
  functions->free(nullptr, functions->mem_user_data);
}

}  // namespace
}  // namespace nuncio::http::h2
