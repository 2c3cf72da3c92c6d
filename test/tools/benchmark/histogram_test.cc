#include "tools/benchmark/native/load/histogram.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace nuncio::benchmark {
namespace {

TEST(HistogramTest, NothingIsZero) { EXPECT_EQ(Histogram().Quantile(0.5), 0); }

TEST(HistogramTest, SmallDurationsAreExact) {
  Histogram histogram;
  for (int64_t each = 0; each < 100; ++each) histogram.Add(each);
  EXPECT_EQ(histogram.Quantile(0.01), 0);
  EXPECT_EQ(histogram.Quantile(0.5), 49);
  EXPECT_EQ(histogram.Quantile(0.6), 59);
}

TEST(HistogramTest, EveryDurationIsKnownToASixtyFourth) {
  for (int64_t duration = 1; duration < int64_t{1} << 60; duration = duration * 5 / 4 + 1) {
    Histogram histogram;
    histogram.Add(duration);
    const int64_t value = histogram.Quantile(1);
    EXPECT_LE(value, duration);
    EXPECT_GT(value, duration - duration / 64 - 1);
  }
}

TEST(HistogramTest, ADurationInThePastCountsAsNone) {
  Histogram histogram;
  histogram.Add(-5);
  EXPECT_EQ(histogram.Quantile(1), 0);
}

TEST(HistogramTest, ARareStallIsInTheTail) {
  Histogram histogram;
  for (int i = 0; i < 990; ++i) histogram.Add(1000);
  for (int i = 0; i < 10; ++i) histogram.Add(50'000'000);
  EXPECT_LE(histogram.Quantile(0.99), 1000);
  EXPECT_GT(histogram.Quantile(0.991), 49'000'000);
}

}  // namespace
}  // namespace nuncio::benchmark
