#include "source/xds/memory_return.h"

#include <cstdlib>
#include <vector>

#include "gtest/gtest.h"
#include "source/base/process_memory.h"

namespace nuncio::xds {
namespace {

constexpr uint64_t kFreed = 32 << 20;

class MemoryReturnTest : public testing::Test {
 protected:
  // Leaves holes in the heap that stay resident, since something above them is still in use.
  MemoryReturnTest() {
    std::vector<void*> blocks(kFreed / 1024);
    for (void*& block : blocks) block = calloc(1, 1000);
    above_ = calloc(1, 1000);
    for (void* block : blocks) free(block);
    before_ = ReadProcessMemory().physical;
  }
  ~MemoryReturnTest() override { free(above_); }

  void Advance(Duration by) {
    clock_.Advance(by);
    loop_.RunOnce();
    thread_.WaitIdle();
  }
  bool Returned() const { return ReadProcessMemory().physical + kFreed / 2 < before_; }

  SimulatedClock clock_;
  event::EventLoop loop_{clock_};
  ConfigThread thread_{loop_};
  MemoryReturn memory_{loop_, thread_};
  void* above_ = nullptr;
  uint64_t before_ = 0;
};

TEST_F(MemoryReturnTest, OnceMuchWasCompiledAndAppliedItGoesBack) {
  memory_.OnCompiled(MemoryReturn::kMuch);
  Advance(MemoryReturn::kSettle / 2);
  // Answers that follow one another do not put it off.
  memory_.OnCompiled(MemoryReturn::kMuch);
  EXPECT_FALSE(Returned());
  Advance(MemoryReturn::kSettle / 2);
  EXPECT_TRUE(Returned());
}

TEST_F(MemoryReturnTest, SmallAnswersAddUp) {
  memory_.OnCompiled(MemoryReturn::kMuch / 2);
  Advance(MemoryReturn::kSettle);
  EXPECT_FALSE(Returned());
  memory_.OnCompiled(MemoryReturn::kMuch / 2);
  Advance(MemoryReturn::kSettle);
  EXPECT_TRUE(Returned());
}

}  // namespace
}  // namespace nuncio::xds
