#include "source/upstream/host.h"

#include <thread>

#include "gtest/gtest.h"

namespace nuncio::upstream {
namespace {

net::Address Ip(const char* text) { return *net::Address::FromIp(text, 80); }

HostPtr Make(const std::shared_ptr<HostSlots>& slots, uint32_t stats_slots = 3) {
  return std::make_shared<const Host>(slots, HostIdentity{Ip("10.0.0.1"), "name", {}, nullptr}, stats_slots);
}

TEST(HostTest, SlotsAreGivenOutAgainWhenTheirHostIsGone) {
  const auto slots = std::make_shared<HostSlots>();
  HostPtr a = Make(slots);
  const HostPtr b = Make(slots);
  EXPECT_NE(a->slot(), b->slot());
  const uint32_t freed = a->slot();
  a.reset();
  EXPECT_EQ(freed, Make(slots)->slot());
  EXPECT_EQ(2u, slots->limit());
}

TEST(HostTest, StatisticsOfThreadsAddUp) {
  const HostPtr host = Make(std::make_shared<HostSlots>());
  EXPECT_EQ(0u, host->TotalStats().rq_total);
  host->stats(0).rq_active.Dec();
  std::thread one([&] {
    for (int i = 0; i < 1000; ++i) host->stats(1).rq_total.Inc();
    host->stats(1).rq_active.Add(3);
  });
  std::thread two([&] {
    for (int i = 0; i < 500; ++i) host->stats(2).rq_total.Inc();
    host->TotalStats();
  });
  one.join();
  two.join();
  EXPECT_EQ(1500u, host->TotalStats().rq_total);
  EXPECT_EQ(2u, host->TotalStats().rq_active);
  EXPECT_EQ(3u, host->active_requests(1));
}

TEST(HostTest, AMovedHostConnectsElsewhereAndStaysItself) {
  const HostPtr host = Make(std::make_shared<HostSlots>());
  EXPECT_EQ(Ip("10.0.0.1"), host->connect_address());
  host->MoveTo(Ip("10.0.0.2"));
  EXPECT_EQ(Ip("10.0.0.2"), host->connect_address());
  EXPECT_EQ(Ip("10.0.0.1"), host->address());
}

TEST(HostTest, MovesAreSeenByOtherThreads) {
  const HostPtr host = Make(std::make_shared<HostSlots>());
  std::thread reader([&] {
    for (int i = 0; i < 1000; ++i) EXPECT_TRUE(host->connect_address().is_ip());
  });
  for (int i = 0; i < 1000; ++i) host->MoveTo(Ip(i % 2 == 0 ? "10.0.0.2" : "fd00::1"));
  reader.join();
}

}  // namespace
}  // namespace nuncio::upstream
