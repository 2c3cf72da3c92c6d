#include "source/listener/connection_balance.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "gtest/gtest.h"

namespace nuncio::listener {
namespace {

using enum ConnectionBalance::Aim;

MonotonicTime At(int millis) { return MonotonicTime(std::chrono::hours(1)) + std::chrono::milliseconds(millis); }

TEST(ConnectionBalanceTest, AFewAreSpreadEvenlyWhoeverAcceptsThem) {
  ConnectionBalance balance(4);
  for (int i = 0; i < 10; ++i) balance.Choose(2, At(0), kEvenEnough);
  std::vector<uint32_t> counts;
  for (size_t i = 0; i < 4; ++i) counts.push_back(balance.connections(i));
  std::sort(counts.begin(), counts.end());
  EXPECT_EQ(counts, (std::vector<uint32_t>{2, 2, 3, 3}));
}

TEST(ConnectionBalanceTest, OneThatHasNotMoreThanOthersKeepsItsOwn) {
  ConnectionBalance balance(3);
  for (size_t round = 0; round < 100; ++round) {
    for (size_t worker = 0; worker < 3; ++worker) EXPECT_EQ(balance.Choose(worker, At(0), kEvenEnough), worker);
  }
}

TEST(ConnectionBalanceTest, OfManyAnEighthIsTolerated) {
  ConnectionBalance balance(2);
  for (int i = 0; i < 800; ++i) balance.Choose(i % 2, At(0), kEvenEnough);
  for (int i = 0; i < 30; ++i) balance.OnClosed(1);
  EXPECT_EQ(balance.Choose(0, At(0), kEvenEnough), 0u);
  for (int i = 0; i < 30; ++i) balance.OnClosed(1);
  EXPECT_EQ(balance.Choose(0, At(0), kEvenEnough), 1u);
}

TEST(ConnectionBalanceTest, ExactToleratesNone) {
  ConnectionBalance balance(2);
  for (int i = 0; i < 800; ++i) balance.Choose(i % 2, At(0), kExact);
  balance.OnClosed(1);
  EXPECT_EQ(balance.Choose(0, At(0), kExact), 1u);
  for (int i = 0; i < 5000; ++i) {
    balance.OnClosed(1);
    ASSERT_EQ(balance.Choose(0, At(0), kExact), 1u) << "however many were handed over before";
  }
  EXPECT_EQ(balance.Choose(0, At(0), kExact), 0u) << "of equals the one that accepted it";
}

TEST(ConnectionBalanceTest, ThoseThatEndMakeRoom) {
  ConnectionBalance balance(2);
  for (int i = 0; i < 4; ++i) balance.Choose(0, At(0), kEvenEnough);
  EXPECT_EQ(balance.connections(0), 2u);
  balance.OnClosed(0);
  balance.OnClosed(0);
  EXPECT_EQ(balance.Choose(1, At(0), kEvenEnough), 0u);
}

TEST(ConnectionBalanceTest, OnlySoManyAreHandedOverInASecond) {
  ConnectionBalance balance(2);
  const auto handed_over = [&](int count, int millis) {
    int sum = 0;
    for (int i = 0; i < count; ++i) {
      // The other one is empty whenever this one accepts.
      balance.Choose(0, At(millis), kEvenEnough);
      if (balance.connections(1) == 0) continue;
      balance.OnClosed(1);
      ++sum;
    }
    return sum;
  };
  balance.Choose(0, At(0), kEvenEnough);
  EXPECT_EQ(handed_over(5000, 0), 1000);
  EXPECT_EQ(handed_over(5000, 10), 10);
  EXPECT_EQ(handed_over(5000, 10), 0);
  EXPECT_EQ(handed_over(5000, 100000), 1000) << "no more for having waited longer";
}

}  // namespace
}  // namespace nuncio::listener
