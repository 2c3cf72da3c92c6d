#include "source/telemetry/histogram.h"

#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "source/telemetry/status_code_counters.h"

namespace {
std::atomic<size_t> allocations{0};
}

void* operator new(size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(size)) return p;
  std::abort();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }

namespace nuncio::telemetry {
namespace {

HistogramSnapshot Snapshot(const Histogram& histogram) {
  std::vector<uint64_t> dense(histogram_bins::kCount);
  uint64_t sum = 0;
  histogram.AddTo(dense.data(), sum);
  HistogramSnapshot::Bins bins;
  for (size_t i = 0; i < dense.size(); ++i) {
    if (dense[i] != 0) bins.emplace_back(static_cast<uint16_t>(i), dense[i]);
  }
  return HistogramSnapshot(std::move(bins), sum);
}

TEST(HistogramBins, CoverAllValuesWithoutGapOrOverlap) {
  EXPECT_EQ(histogram_bins::Lowest(0), 0u);
  for (int i = 0; i < histogram_bins::kCount; ++i) {
    ASSERT_LE(histogram_bins::Lowest(i), histogram_bins::Highest(i)) << i;
    if (i > 0) {
      ASSERT_EQ(histogram_bins::Lowest(i), histogram_bins::Highest(i - 1) + 1) << i;
    }
    ASSERT_EQ(histogram_bins::Index(histogram_bins::Lowest(i)), i);
    ASSERT_EQ(histogram_bins::Index(histogram_bins::Highest(i)), i);
  }
  EXPECT_EQ(histogram_bins::Highest(histogram_bins::kCount - 1), histogram_bins::kMaxValue);
}

TEST(HistogramBins, AreAtMostTenPercentWide) {
  for (int i = 1; i < histogram_bins::kCount; ++i) {
    const double low = static_cast<double>(histogram_bins::Lowest(i));
    const double high = static_cast<double>(histogram_bins::Highest(i));
    ASSERT_LE((high - low) / low, 0.1) << i;
  }
}

TEST(HistogramBins, TakeTheLargestValueForWhatIsBeyond) {
  EXPECT_EQ(histogram_bins::Index(UINT64_MAX), histogram_bins::kCount - 1);
}

TEST(Histogram, CountsExactlyAtPrometheusBounds) {
  Histogram histogram;
  for (const uint64_t v : {0, 1, 5, 6, 25, 26, 250, 251, 2500, 2501, 3600000, 3600001}) histogram.Record(v);
  const HistogramSnapshot s = Snapshot(histogram);
  EXPECT_EQ(s.CountAtOrBelow(0.5), 1u);
  EXPECT_EQ(s.CountAtOrBelow(1), 2u);
  EXPECT_EQ(s.CountAtOrBelow(5), 3u);
  EXPECT_EQ(s.CountAtOrBelow(25), 5u);
  EXPECT_EQ(s.CountAtOrBelow(250), 7u);
  EXPECT_EQ(s.CountAtOrBelow(2500), 9u);
  EXPECT_EQ(s.CountAtOrBelow(3600000), 11u);
  EXPECT_EQ(s.count(), 12u);
  EXPECT_EQ(s.sum(), 0u + 1 + 5 + 6 + 25 + 26 + 250 + 251 + 2500 + 2501 + 3600000 + 3600001);
}

TEST(Histogram, QuantilesStayWithinTheirBin) {
  Histogram histogram;
  for (uint64_t v = 1; v <= 10000; ++v) histogram.Record(v);
  const HistogramSnapshot s = Snapshot(histogram);
  EXPECT_EQ(s.Quantile(0), 1);
  EXPECT_EQ(s.Quantile(1), 10000);
  EXPECT_NEAR(s.Quantile(0.5), 5000, 500);
  EXPECT_NEAR(s.Quantile(0.99), 9900, 990);
  EXPECT_EQ(s.Quantile(0.005), 50);
}

TEST(Histogram, OfOneValueHasOnlyThatQuantile) {
  Histogram histogram;
  histogram.Record(7);
  for (const double q : {0.0, 0.5, 1.0}) EXPECT_EQ(Snapshot(histogram).Quantile(q), 7);
}

TEST(Histogram, EmptyHasNoQuantiles) {
  EXPECT_TRUE(std::isnan(HistogramSnapshot().Quantile(0.5)));
  EXPECT_FALSE(Histogram().used());
}

TEST(Histogram, SinceIsWhatCameIn) {
  Histogram histogram;
  histogram.Record(3);
  histogram.Record(500);
  const HistogramSnapshot before = Snapshot(histogram);
  histogram.Record(3);
  histogram.Record(9);
  const HistogramSnapshot since = Snapshot(histogram).Since(before);
  EXPECT_EQ(since.count(), 2u);
  EXPECT_EQ(since.sum(), 12u);
  EXPECT_EQ(since.Quantile(0), 3);
  EXPECT_EQ(since.Quantile(1), 9);
}

TEST(Histogram, AbsorbAddsAnotherShard) {
  Histogram a, b;
  a.Record(1);
  b.Record(1);
  b.Record(123456);
  a.Absorb(b);
  EXPECT_EQ(Snapshot(a).count(), 3u);
  EXPECT_EQ(Snapshot(a).sum(), 123458u);
}

TEST(Histogram, RecordDoesNotAllocateOnceAPowerOfTenWasSeen) {
  Histogram histogram;
  for (const uint64_t v : {1, 200, 3000}) histogram.Record(v);
  const size_t before = allocations.load();
  for (uint64_t v = 0; v < 10000; ++v) histogram.Record(v);
  EXPECT_EQ(allocations.load(), before);
}

TEST(Histogram, IsReadWhileItIsWritten) {
  Histogram histogram;
  std::thread writer([&] {
    for (uint64_t v = 0; v < 100000; ++v) histogram.Record(v);
  });
  uint64_t last = 0;
  while (last < 100000) {
    const uint64_t count = Snapshot(histogram).count();
    ASSERT_GE(count, last);
    last = count;
  }
  writer.join();
}

TEST(StatusCodeCounters, CountCodesAndClasses) {
  StatusCodeCounters counters;
  counters.Inc(200);
  counters.Inc(204);
  counters.Inc(503);
  counters.Inc(599);
  counters.Inc(100);
  EXPECT_EQ(counters.value(200), 1u);
  EXPECT_EQ(counters.value(2), 2u);
  EXPECT_EQ(counters.value(5), 2u);
  EXPECT_EQ(counters.value(1), 1u);
  EXPECT_EQ(counters.value(599), 1u);
  EXPECT_EQ(counters.value(404), 0u);
}

TEST(StatusCodeCounters, IgnoreWhatIsNoStatus) {
  StatusCodeCounters counters;
  for (const int code : {-1, 0, 99, 600, 100000}) counters.Inc(code);
  counters.ForEach([](int, uint64_t) { FAIL(); });
}

}  // namespace
}  // namespace nuncio::telemetry
