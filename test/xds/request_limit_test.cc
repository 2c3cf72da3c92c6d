#include "source/xds/request_limit.h"

#include "gtest/gtest.h"

namespace nuncio::xds {
namespace {

class RequestLimitTest : public testing::Test {
 protected:
  // How many may be sent at once.
  int TakeAll() {
    int taken = 0;
    while (limit_.Take()) ++taken;
    return taken;
  }
  void Advance(Duration by) {
    clock_.Advance(by);
    loop_.RunOnce();
  }
  void OnAgain() { ++again_; }

  SimulatedClock clock_;
  event::EventLoop loop_{clock_};
  int again_ = 0;
  RequestLimit limit_{loop_, {.max_tokens = 3, .tokens_per_second = 2},
                      Delegate<void()>::Bind<&RequestLimitTest::OnAgain>(this)};
};

TEST_F(RequestLimitTest, TellsWhenThereIsATokenAgain) {
  EXPECT_EQ(TakeAll(), 3);
  Advance(std::chrono::milliseconds(499));
  EXPECT_EQ(again_, 0);
  Advance(std::chrono::milliseconds(2));
  EXPECT_EQ(again_, 1);
  EXPECT_EQ(TakeAll(), 1);
}

TEST_F(RequestLimitTest, APauseFillsTheBucketAndNoMore) {
  EXPECT_EQ(TakeAll(), 3);
  Advance(std::chrono::hours(1));
  EXPECT_EQ(TakeAll(), 3);
}

TEST_F(RequestLimitTest, NobodyIsToldOnceItIsCancelled) {
  EXPECT_EQ(TakeAll(), 3);
  limit_.Cancel();
  Advance(std::chrono::hours(1));
  EXPECT_EQ(again_, 0);
}

}  // namespace
}  // namespace nuncio::xds
