#include "source/base/arena.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace nuncio {
namespace {

TEST(ArenaTest, TakesNoBlockBeforeItIsUsed) {
  ArenaBlockPool pool;
  Arena arena(pool);
  EXPECT_EQ(0u, arena.held());
}

TEST(ArenaTest, SmallAllocationsShareABlockAndDoNotOverlap) {
  ArenaBlockPool pool;
  Arena arena(pool);
  std::vector<char*> pieces;
  for (int i = 0; i < 100; ++i) {
    pieces.push_back(arena.NewArray<char>(16));
    memset(pieces.back(), i, 16);
  }
  EXPECT_EQ(ArenaBlockPool::kBlockSize, arena.held());
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(std::string(16, static_cast<char>(i)), std::string(pieces[i], 16));
  }
}

TEST(ArenaTest, AllocationsAreAligned) {
  ArenaBlockPool pool;
  Arena arena(pool);
  for (int i = 0; i < 2000; ++i) {
    arena.Allocate(1, 1);
    EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(arena.New<uint64_t>(7u)) % alignof(uint64_t));
    EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(arena.Allocate(3)) % alignof(std::max_align_t));
  }
}

TEST(ArenaTest, WhatIsLargerThanABlockGetsMemoryOfItsOwnAndLeavesTheBlockInUse) {
  ArenaBlockPool pool;
  Arena arena(pool);
  char* before = arena.NewArray<char>(8);
  char* large = arena.NewArray<char>(100'000);
  memset(large, 1, 100'000);
  char* after = arena.NewArray<char>(8);
  EXPECT_EQ(before + 8, after);
  EXPECT_GE(arena.held(), ArenaBlockPool::kBlockSize + 100'000);
}

// Sizes around the room of a block, which a header shortens.
TEST(ArenaTest, SizesAroundThatOfABlock) {
  for (size_t size = ArenaBlockPool::kBlockSize - 64; size <= ArenaBlockPool::kBlockSize + 16; ++size) {
    ArenaBlockPool pool;
    Arena arena(pool);
    memset(arena.NewArray<char>(size), 1, size);
    memset(arena.NewArray<char>(size), 2, size);
    EXPECT_GE(arena.held(), 2 * size);
  }
}

TEST(ArenaTest, ResetGivesPooledBlocksBackForTheNextArena) {
  ArenaBlockPool pool;
  Arena arena(pool);
  std::set<char*> blocks;
  for (int i = 0; i < 10; ++i) blocks.insert(arena.NewArray<char>(3000));
  EXPECT_EQ(10u, blocks.size());
  arena.NewArray<char>(10'000);  // Of the heap: not for the pool.
  arena.Reset();
  EXPECT_EQ(0u, arena.held());
  Arena next(pool);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(blocks.contains(next.NewArray<char>(3000)));
}

TEST(ArenaTest, Texts) {
  ArenaBlockPool pool;
  Arena arena(pool);
  std::string source = "abc";
  const std::string_view copy = arena.Copy(source);
  source = "xyz";
  EXPECT_EQ("abc", copy);
  EXPECT_EQ("", arena.Copy(""));
  EXPECT_EQ("abc", arena.Concat("a", "bc"));
  EXPECT_EQ("a-b", arena.Concat("a", "-", "b"));
  EXPECT_EQ("", arena.Concat("", ""));
  EXPECT_EQ("0", arena.Number(0));
  EXPECT_EQ("10", arena.Number(10));
  EXPECT_EQ("18446744073709551615", arena.Number(std::numeric_limits<uint64_t>::max()));
}

}  // namespace
}  // namespace nuncio
