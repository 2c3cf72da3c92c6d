#include "source/upstream/pick_table.h"

#include <map>

#include "gtest/gtest.h"
#include "source/base/random.h"

namespace nuncio::upstream {
namespace {

std::vector<uint32_t> TurnsOf(const Schedule& schedule) {
  std::vector<uint32_t> out;
  for (size_t i = 0; i < schedule.size(); ++i) out.push_back(schedule.At(i));
  return out;
}

std::map<uint32_t, size_t> CountsOf(const Schedule& schedule) {
  std::map<uint32_t, size_t> out;
  for (size_t i = 0; i < schedule.size(); ++i) ++out[schedule.At(i)];
  return out;
}

TEST(ScheduleTest, GivesTurnsByWeightReducedToTheSmallestPeriod) {
  const std::vector<uint32_t> weights = {50, 100, 150};
  const Schedule schedule(weights);
  EXPECT_EQ(6u, schedule.size());
  EXPECT_EQ((std::map<uint32_t, size_t>{{0, 1}, {1, 2}, {2, 3}}), CountsOf(schedule));
}

TEST(ScheduleTest, SpreadsTheTurnsOfAHeavyIndex) {
  const std::vector<uint32_t> weights = {3, 1, 1, 1};
  const std::vector<uint32_t> turns = TurnsOf(Schedule(weights));
  ASSERT_EQ(6u, turns.size());
  // Never twice in a row, also not from the end to the begin.
  for (size_t i = 0; i < turns.size(); ++i) {
    EXPECT_FALSE(turns[i] == 0 && turns[(i + 1) % turns.size()] == 0) << "at " << i;
  }
}

TEST(ScheduleTest, EqualWeightsTakeTurnsInOrder) {
  const std::vector<uint32_t> weights = {7, 7, 7};
  EXPECT_EQ((std::vector<uint32_t>{0, 1, 2}), TurnsOf(Schedule(weights)));
}

TEST(ScheduleTest, WeightsBeyondTheBoundKeepTheirSharesAndOneTurnAtLeast) {
  const std::vector<uint32_t> weights = {4000000007u, 2000000011u, 1};
  const Schedule schedule(weights);
  EXPECT_LE(schedule.size(), Schedule::kExactTurns + weights.size());
  std::map<uint32_t, size_t> counts = CountsOf(schedule);
  EXPECT_NEAR(2.0 / 3, static_cast<double>(counts[0]) / static_cast<double>(schedule.size()), 0.001);
  EXPECT_NEAR(1.0 / 3, static_cast<double>(counts[1]) / static_cast<double>(schedule.size()), 0.001);
  EXPECT_EQ(1u, counts[2]);
}

TEST(ScheduleTest, WeightlessIndicesGetNoTurn) {
  const std::vector<uint32_t> weights = {0, 2, 0};
  EXPECT_EQ((std::vector<uint32_t>{1}), TurnsOf(Schedule(weights)));
  const std::vector<uint32_t> none = {0, 0};
  EXPECT_TRUE(Schedule(none).empty());
}

TEST(AliasTableTest, ChoosesByWeight) {
  const std::vector<uint32_t> weights = {1, 0, 2, 7};
  const AliasTable table(weights);
  Random random(1);
  std::map<uint32_t, int> counts;
  constexpr int kPicks = 100000;
  for (int i = 0; i < kPicks; ++i) ++counts[table.Pick(random.Next())];
  EXPECT_EQ(0, counts[1]);
  EXPECT_NEAR(0.1, counts[0] / static_cast<double>(kPicks), 0.01);
  EXPECT_NEAR(0.2, counts[2] / static_cast<double>(kPicks), 0.01);
  EXPECT_NEAR(0.7, counts[3] / static_cast<double>(kPicks), 0.01);
}

TEST(AliasTableTest, WeightlessIndicesAreNeverChosenAtTheEdgesOfTheRange) {
  const std::vector<uint32_t> weights = {0, 5, 0};
  const AliasTable table(weights);
  for (const uint64_t upper : {uint64_t{0}, uint64_t{0x55555555}, uint64_t{0xaaaaaaaa}, uint64_t{0xffffffff}}) {
    for (const uint64_t lower : {uint64_t{1}, uint64_t{0xffffffff}}) {
      EXPECT_EQ(1u, table.Pick((upper << 32) | lower));
    }
  }
}

}  // namespace
}  // namespace nuncio::upstream
