#include "source/base/slab_pool.h"

#include <cstdint>
#include <cstring>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace nuncio {
namespace {

TEST(SlabPoolTest, ObjectsDoNotOverlap) {
  SlabPool pool(1001);
  std::vector<char*> objects;
  for (int i = 0; i < 1000; ++i) {
    objects.push_back(static_cast<char*>(pool.Take()));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(objects.back()) % 16, 0u);
    memset(objects.back(), i % 251, 1001);
  }
  for (int i = 0; i < 1000; ++i) {
    for (int at : {0, 500, 1000}) ASSERT_EQ(objects[i][at], static_cast<char>(i % 251));
  }
  for (char* object : objects) SlabPool::Return(object);
}

TEST(SlabPoolTest, WhatWasGivenBackIsTakenAgain) {
  SlabPool pool(2000);
  void* const kept = pool.Take();
  std::set<void*> seen;
  for (int i = 0; i < 10000; ++i) {
    void* const object = pool.Take();
    seen.insert(object);
    SlabPool::Return(object);
  }
  EXPECT_EQ(seen.size(), 1u);
  SlabPool::Return(kept);
}

TEST(SlabPoolTest, EmptySlabsGoBackButOne) {
  SlabPool pool(2000);
  std::vector<void*> objects;
  for (int i = 0; i < 1000; ++i) objects.push_back(pool.Take());
  const size_t full = pool.slabs();
  EXPECT_GE(full, 1000 * 2000 / SlabPool::kSlabBytes);
  // In an order that empties them all at about the same time.
  for (size_t step : {0, 1, 2}) {
    for (size_t i = step; i < objects.size(); i += 3) SlabPool::Return(objects[i]);
  }
  EXPECT_EQ(pool.slabs(), 1u);
  void* const again = pool.Take();
  EXPECT_EQ(pool.slabs(), 1u);
  SlabPool::Return(again);
}

TEST(SlabPoolTest, ASlabWithOneObjectLeftStays) {
  SlabPool pool(2000);
  std::vector<char*> objects;
  for (int i = 0; i < 1000; ++i) objects.push_back(static_cast<char*>(pool.Take()));
  strcpy(objects[500], "still here");
  for (int i = 0; i < 1000; ++i) {
    if (i != 500) SlabPool::Return(objects[i]);
  }
  EXPECT_LE(pool.slabs(), 2u);
  EXPECT_STREQ(objects[500], "still here");
  SlabPool::Return(objects[500]);
  EXPECT_EQ(pool.slabs(), 1u);
}

}  // namespace
}  // namespace nuncio
