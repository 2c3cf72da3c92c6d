#include "source/base/object_pool.h"

#include <cstdint>
#include <memory>
#include <vector>

#include "gtest/gtest.h"

namespace nuncio {
namespace {

struct Counted {
  explicit Counted(int& live) : live(live) { ++live; }
  ~Counted() { --live; }
  int& live;
  char rest[100] = {};
};

TEST(ObjectPoolTest, ConstructsAndDestroysEachTime) {
  int live = 0;
  ObjectPool<Counted> pool;
  Counted* a = pool.New(live);
  Counted* b = pool.New(live);
  EXPECT_EQ(2, live);
  pool.Delete(a);
  EXPECT_EQ(1, live);
  pool.Delete(b);
  EXPECT_EQ(0, live);
}

TEST(ObjectPoolTest, MemoryIsUsedAgainTheLatestFirst) {
  ObjectPool<uint64_t> pool;
  uint64_t* a = pool.New(1u);
  uint64_t* b = pool.New(2u);
  EXPECT_NE(a, b);
  pool.Delete(a);
  pool.Delete(b);
  EXPECT_EQ(b, pool.New(3u));
  EXPECT_EQ(a, pool.New(4u));
  EXPECT_EQ(3u, *b);
  EXPECT_EQ(4u, *a);
  pool.Delete(a);
  pool.Delete(b);
}

// With room for one, the second goes back to the heap; were both kept, the latest would come first.
TEST(ObjectPoolTest, KeepsABoundedNumberOfFreeOnes) {
  ObjectPool<uint64_t, 1> pool;
  uint64_t* first = pool.New(1u);
  uint64_t* second = pool.New(2u);
  pool.Delete(first);
  pool.Delete(second);
  EXPECT_EQ(first, pool.New(3u));
  pool.Delete(first);
}

struct alignas(64) CacheLine {
  char bytes[64];
};

TEST(ObjectPoolTest, KeepsTheAlignmentOfItsType) {
  ObjectPool<CacheLine> pool;
  std::vector<CacheLine*> lines;
  for (int i = 0; i < 20; ++i) {
    lines.push_back(pool.New());
    EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(lines.back()) % 64);
  }
  for (CacheLine* line : lines) pool.Delete(line);
}

TEST(ObjectPoolTest, ArgumentsMayBeMovedIn) {
  ObjectPool<std::unique_ptr<int>> pool;
  auto* held = pool.New(std::make_unique<int>(5));
  EXPECT_EQ(5, **held);
  pool.Delete(held);
}

}  // namespace
}  // namespace nuncio
