// What clusters and endpoints take from the heap, on main and on two workers.
#include <malloc.h>

#include <cstdlib>
#include <new>

#include "gtest/gtest.h"
#include "source/base/strings.h"
#include "source/upstream/cluster_registry.h"
#include "test/upstream/config_text.h"
#include "test/upstream/fakes.h"

namespace {
// Bytes that are allocated now, with malloc's own 8 for each, in this single-threaded test.
size_t taken = 0;

void* Count(void* memory) {
  if (memory == nullptr) abort();
  taken += malloc_usable_size(memory) + 8;
  return memory;
}
void Free(void* memory) {
  if (memory != nullptr) taken -= malloc_usable_size(memory) + 8;
  free(memory);
}
}  // namespace

void* operator new(size_t size) { return Count(malloc(size == 0 ? 1 : size)); }
void* operator new(size_t size, std::align_val_t alignment) {
  const auto to = static_cast<size_t>(alignment);
  return Count(aligned_alloc(to, (size + to - 1) & ~(to - 1)));
}
void operator delete(void* memory) noexcept { Free(memory); }
void operator delete(void* memory, size_t) noexcept { Free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { Free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { Free(memory); }

namespace nuncio::upstream {
namespace {

class DropAtOnce : public ObjectHome {
 public:
  void TakeBack(std::shared_ptr<const void>) override {}
};

struct TestThread {
  explicit TestThread(telemetry::StatsSlot slot)
      : services{loop, slices, arena_blocks, random, slot}, clusters(services, home) {}
  ~TestThread() {
    clusters.Clear();
    loop.RunOnce();
  }

  buffer::SlicePool slices;
  ArenaBlockPool arena_blocks;
  Random random{1};
  DropAtOnce home;
  event::EventLoop loop;
  WorkerServices services;
  WorkerClusters clusters;
};

class ClusterMemoryTest : public testing::Test {
 protected:
  ClusterMemoryTest() {
    for (TestThread& thread : threads_) registry_.AddThread(thread.loop, thread.clusters);
    registry_.SetSubscriptions(subscriptions_, RunHere);
  }
  void Turn() {
    for (TestThread& thread : threads_) thread.loop.RunOnce();
  }
  // "{endpoint: ...}," for each of so many hosts.
  static std::string Endpoints(int count) {
    std::string out;
    for (int i = 0; i < count; ++i) {
      StrAppend(out, "{endpoint: {address: {socket_address: {address: 10.0.", i / 250, ".", i % 250,
                ", port_value: 80}}}},");
    }
    return out;
  }

  telemetry::StatsStore stats_;
  FakeDns dns_;
  FakeSubscriptions subscriptions_;
  TestThread threads_[3] = {TestThread(0), TestThread(1), TestThread(2)};
  ClusterRegistry registry_{{threads_[0].loop, threads_[0].random, stats_, dns_.factory(), {}, nullptr, 3}};
};

TEST_F(ClusterMemoryTest, AClusterWithTwoEndpointsThatNobodyUses) {
  constexpr int kClusters = 1000;
  const auto apply = [&](const std::string& name) {
    const std::string endpoints = Endpoints(2);
    registry_.ApplyUpdate(ClusterResourceFromText(
        StrCat("{name: ", name, ", load_assignment: {cluster_name: c, endpoints: {lb_endpoints: [", endpoints, "]}}}"),
        "1"));
    Turn();
  };
  apply("first");
  const size_t before = taken;
  for (int i = 0; i < kClusters; ++i) apply(StrCat("cluster", i));
  // With what xds/ has of each, its bytes and its name, it is to stay below 4 KiB.
  EXPECT_LT((taken - before) / kClusters, 3230u);
  ASSERT_EQ(threads_[1].clusters.size(), kClusters + 1u);

  const size_t unused = taken;
  for (TestThread& thread : threads_) ASSERT_TRUE(thread.clusters.Find("cluster7"));
  EXPECT_GT(taken - unused, 3000u) << "what a used cluster has is counted here as well";
}

TEST_F(ClusterMemoryTest, AnEndpoint) {
  constexpr int kEndpoints = 10000;
  registry_.ApplyUpdate(
      ClusterResourceFromText("{name: c, type: EDS, eds_cluster_config: {eds_config: {ads: {}}}}", "1"));
  Turn();
  const size_t before = taken;
  subscriptions_.Send(
      "c", AssignmentFromText(StrCat("{cluster_name: c, endpoints: {lb_endpoints: [", Endpoints(kEndpoints), "]}}")));
  Turn();
  EXPECT_EQ(kEndpoints, static_cast<int>(registry_.FindActive("c")->hosts()->membership().total));
  EXPECT_LT((taken - before) / kEndpoints, 275u);
}

}  // namespace
}  // namespace nuncio::upstream
