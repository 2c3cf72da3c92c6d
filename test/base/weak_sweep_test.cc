#include "source/base/weak_sweep.h"

#include <memory>
#include <vector>

#include "gtest/gtest.h"

namespace nuncio {
namespace {

class WeakSweepTest : public testing::Test {
 protected:
  void Add(const std::shared_ptr<int>& object) {
    map_.emplace(++last_, object);
    sweep_.OnAdded(map_, [this](const auto& entry) {
      ++looked_at_;
      return entry.second.expired();
    });
  }

  std::map<int, std::weak_ptr<int>> map_;
  WeakSweep sweep_;
  int last_ = 0;
  size_t looked_at_ = 0;
};

TEST_F(WeakSweepTest, ObjectsThatComeAndGoLeaveFewEntries) {
  for (int i = 0; i < 10000; ++i) {
    Add(std::make_shared<int>(i));
    ASSERT_LT(map_.size(), 20u);
  }
}

TEST_F(WeakSweepTest, WhatIsAliveStaysAndIsNotLookedAtOftenBecauseOfIt) {
  std::vector<std::shared_ptr<int>> alive;
  for (int i = 0; i < 10000; ++i) {
    alive.push_back(std::make_shared<int>(i));
    Add(alive.back());
    Add(std::make_shared<int>(i));
  }
  for (int i = 0; i < 10000; ++i) ASSERT_FALSE(map_.at(2 * i + 1).expired());
  EXPECT_LE(map_.size(), 2 * alive.size() + 16);
  EXPECT_LE(looked_at_, 4u * 20000);
}

}  // namespace
}  // namespace nuncio
