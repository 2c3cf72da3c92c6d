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

TEST(SlabPoolTest, WhatWasGivenBackIsTakenAgainFirst) {
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

class SlabPoolTrimTest : public testing::Test {
 protected:
  ~SlabPoolTrimTest() override { ReturnAll(); }
  void Take(int count) {
    for (int i = 0; i < count; ++i) objects_.push_back(pool_.Take());
  }
  // In an order that empties all slabs at about the same time.
  void ReturnAll() {
    for (size_t step : {0, 1, 2}) {
      for (size_t i = step; i < objects_.size(); i += 3) SlabPool::Return(objects_[i]);
    }
    objects_.clear();
  }

  SlabPool pool_{2000};
  std::vector<void*> objects_;
};

TEST_F(SlabPoolTrimTest, SlabsThatStayEmptyGoBack) {
  Take(1000);
  const size_t full = pool_.slabs();
  EXPECT_GE(full, 1000 * 2000 / SlabPool::kSlabBytes);
  EXPECT_FALSE(pool_.Trim());
  ReturnAll();
  EXPECT_TRUE(pool_.Trim()) << "they may be needed again at once";
  EXPECT_EQ(pool_.slabs(), full);
  EXPECT_FALSE(pool_.Trim());
  EXPECT_EQ(pool_.slabs(), 0u);
}

TEST_F(SlabPoolTrimTest, WhatARecurringPeakNeedsIsKept) {
  Take(1000);
  const size_t full = pool_.slabs();
  ReturnAll();
  for (int i = 0; i < 10; ++i) {
    Take(1000);
    ReturnAll();
    EXPECT_TRUE(pool_.Trim());
    EXPECT_EQ(pool_.slabs(), full);
  }
  // From now on half of it.
  Take(500);
  ReturnAll();
  EXPECT_TRUE(pool_.Trim());
  EXPECT_LT(pool_.slabs(), full * 6 / 10);
  EXPECT_GT(pool_.slabs(), full * 4 / 10);
}

TEST_F(SlabPoolTrimTest, ASlabWithAnObjectStays) {
  Take(1000);
  char* const last = static_cast<char*>(objects_.back());
  objects_.pop_back();
  strcpy(last, "still here");
  ReturnAll();
  EXPECT_TRUE(pool_.Trim());
  EXPECT_FALSE(pool_.Trim());
  EXPECT_EQ(pool_.slabs(), 1u);
  EXPECT_STREQ(last, "still here");
  SlabPool::Return(last);
  Take(1);
  EXPECT_EQ(pool_.slabs(), 1u);
}

}  // namespace
}  // namespace nuncio
