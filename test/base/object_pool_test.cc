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

struct alignas(16) Aligned {
  char bytes[48];
};

TEST(ObjectPoolTest, KeepsTheAlignmentOfItsType) {
  ObjectPool<Aligned> pool;
  std::vector<Aligned*> objects;
  for (int i = 0; i < 20; ++i) {
    objects.push_back(pool.New());
    EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(objects.back()) % 16);
  }
  for (Aligned* object : objects) pool.Delete(object);
}

TEST(ObjectPoolTest, ArgumentsMayBeMovedIn) {
  ObjectPool<std::unique_ptr<int>> pool;
  auto* held = pool.New(std::make_unique<int>(5));
  EXPECT_EQ(5, **held);
  pool.Delete(held);
}

}  // namespace
}  // namespace nuncio
