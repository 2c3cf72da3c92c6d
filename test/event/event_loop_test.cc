#include "source/event/event_loop.h"

#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace nuncio::event {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class EventLoopTest : public testing::Test {
 protected:
  SimulatedClock clock_;
  EventLoop loop_{clock_};

  void Advance(Duration by) {
    clock_.Advance(by);
    loop_.RunOnce();
  }
};

// Counts how often its timer fires, and may re-arm it.
struct Ticker {
  explicit Ticker(EventLoop& loop) : timer(loop, Delegate<void()>::Bind<&Ticker::OnTime>(this)) {}
  void OnTime() {
    ++fired;
    if (again > Duration::zero()) timer.Arm(again);
  }
  int fired = 0;
  Duration again{};
  Timer timer;
};

TEST_F(EventLoopTest, TimerFiresOnceAtItsTimeAndNotBefore) {
  Ticker ticker(loop_);
  ticker.timer.Arm(milliseconds(10));
  Advance(milliseconds(9));
  EXPECT_EQ(ticker.fired, 0);
  Advance(milliseconds(1));
  EXPECT_EQ(ticker.fired, 1);
  Advance(seconds(1));
  EXPECT_EQ(ticker.fired, 1);
}

TEST_F(EventLoopTest, MovingADeadlineAwayPostponesAndMovingItNearHastens) {
  Ticker ticker(loop_);
  ticker.timer.Arm(milliseconds(10));
  ticker.timer.Arm(milliseconds(30));
  Advance(milliseconds(20));
  EXPECT_EQ(ticker.fired, 0);
  ticker.timer.Arm(milliseconds(5));
  Advance(milliseconds(5));
  EXPECT_EQ(ticker.fired, 1);
  Advance(milliseconds(100));
  EXPECT_EQ(ticker.fired, 1);
}

TEST_F(EventLoopTest, DisarmedAndDestroyedTimersDoNotFire) {
  Ticker kept(loop_);
  {
    Ticker destroyed(loop_);
    destroyed.timer.Arm(milliseconds(1));
    kept.timer.Arm(milliseconds(1));
  }
  kept.timer.Disarm();
  Advance(milliseconds(10));
  EXPECT_EQ(kept.fired, 0);
}

TEST_F(EventLoopTest, TimerThatReArmsItselfWithZeroDoesNotHoldTheLoop) {
  Ticker ticker(loop_);
  ticker.again = Duration(1);
  ticker.timer.Arm(Duration::zero());
  Advance(milliseconds(1));
  EXPECT_EQ(ticker.fired, 1);
  Advance(milliseconds(1));
  EXPECT_EQ(ticker.fired, 2);
}

TEST_F(EventLoopTest, ManyTimersFireInTheOrderOfTheirTimes) {
  struct Entry {
    Entry(EventLoop& loop, std::vector<int>& log, int id)
        : log(log), id(id), timer(loop, Delegate<void()>::Bind<&Entry::OnTime>(this)) {}
    void OnTime() { log.push_back(id); }
    std::vector<int>& log;
    int id;
    Timer timer;
  };
  std::vector<int> log;
  std::vector<std::unique_ptr<Entry>> entries;
  for (int i = 0; i < 100; ++i) {
    const int id = (i * 37) % 100;
    entries.push_back(std::make_unique<Entry>(loop_, log, id));
    entries.back()->timer.Arm(milliseconds(id + 1));
  }
  for (int i = 0; i < 100; i += 2) entries[i]->timer.Disarm();
  std::vector<int> expected;
  for (int i = 1; i < 100; i += 2) expected.push_back((i * 37) % 100);
  std::sort(expected.begin(), expected.end());
  Advance(seconds(1));
  EXPECT_EQ(log, expected);
}

TEST_F(EventLoopTest, PostedClosuresRunInOrderAndNotOnceRefused) {
  std::vector<int> log;
  for (int i = 0; i < 3; ++i) loop_.Post([&log, i] { log.push_back(i); });
  loop_.RunOnce();
  EXPECT_EQ(log, (std::vector<int>{0, 1, 2}));
  loop_.StopAccepting();
  EXPECT_FALSE(loop_.Post([] {}));
}

TEST(EventLoopThreadTest, PostWakesABlockedLoopAndExitEndsIt) {
  EventLoop loop;
  bool ran = false;
  std::thread thread([&loop] { loop.Run(); });
  loop.Post([&ran, &loop] {
    ran = true;
    loop.Exit();
  });
  thread.join();
  EXPECT_TRUE(ran);
}

// Logs its name, then the name of a follow-up task scheduled from within.
struct Step {
  Step(std::vector<std::string>& log, std::string name)
      : log(log), name(std::move(name)), task(Delegate<void()>::Bind<&Step::Run>(this)) {}
  void Run() { log.push_back(name); }
  std::vector<std::string>& log;
  std::string name;
  TurnTask task;
};

TEST_F(EventLoopTest, TasksRunAfterTheEventAtTheEndOfTheTurnAndInTheNextTurn) {
  std::vector<std::string> log;
  Step after(log, "after event"), end(log, "end of turn"), next(log, "next turn");
  loop_.Post([&] {
    loop_.NextTurn(next.task);
    loop_.AtEndOfTurn(end.task);
    loop_.AfterEvent(after.task);
    log.push_back("first closure");
  });
  loop_.Post([&] { log.push_back("second closure"); });
  loop_.RunOnce();
  EXPECT_EQ(log, (std::vector<std::string>{"first closure", "after event", "second closure", "end of turn"}));
  loop_.RunOnce();
  EXPECT_EQ(log.back(), "next turn");
}

TEST_F(EventLoopTest, CancelledTaskDoesNotRun) {
  std::vector<std::string> log;
  Step step(log, "step");
  loop_.AtEndOfTurn(step.task);
  step.task.Cancel();
  loop_.RunOnce();
  EXPECT_TRUE(log.empty());
}

TEST_F(EventLoopTest, DeferredObjectsDieAtTheEndOfTheTurn) {
  struct Object : DeferredDeletable {
    explicit Object(bool& dead) : dead(dead) {}
    ~Object() override { dead = true; }
    bool& dead;
  };
  bool dead = false;
  bool dead_in_turn = true;
  loop_.Post([&] {
    loop_.DeferDelete(std::make_unique<Object>(dead));
    dead_in_turn = dead;
  });
  loop_.RunOnce();
  EXPECT_FALSE(dead_in_turn);
  EXPECT_TRUE(dead);
}

// Reads what comes; on the first event unregisters the other handler.
struct Reader : FdHandler {
  void OnFdEvents(uint32_t events) override {
    seen |= events;
    ++calls;
    if (other != nullptr) loop->Unregister(other_fd, *other);
  }
  EventLoop* loop = nullptr;
  Reader* other = nullptr;
  int other_fd = -1;
  uint32_t seen = 0;
  int calls = 0;
};

TEST_F(EventLoopTest, EdgeTriggeredDescriptorTellsOfEachArrivalOnce) {
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  Reader reader;
  ASSERT_EQ(loop_.Register(fds[0], reader), 0);
  loop_.RunOnce();
  EXPECT_EQ(reader.seen & EPOLLIN, 0u);
  ASSERT_EQ(write(fds[1], "x", 1), 1);
  loop_.RunOnce();
  EXPECT_NE(reader.seen & EPOLLIN, 0u);
  const int calls = reader.calls;
  loop_.RunOnce();
  EXPECT_EQ(reader.calls, calls);
  loop_.Unregister(fds[0], reader);
  close(fds[0]);
  close(fds[1]);
}

TEST_F(EventLoopTest, UnregisteredHandlerGetsNoEventOfTheSameTurn) {
  int a[2], b[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, a), 0);
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, b), 0);
  Reader first, second;
  first.loop = second.loop = &loop_;
  first.other = &second;
  first.other_fd = b[0];
  second.other = &first;
  second.other_fd = a[0];
  ASSERT_EQ(loop_.RegisterReadOnly(a[0], first, /*level=*/true), 0);
  ASSERT_EQ(loop_.RegisterReadOnly(b[0], second, /*level=*/true), 0);
  ASSERT_EQ(write(a[1], "x", 1), 1);
  ASSERT_EQ(write(b[1], "x", 1), 1);
  loop_.RunOnce();
  EXPECT_EQ(first.calls + second.calls, 1);
  for (int fd : {a[0], a[1], b[0], b[1]}) close(fd);
}

}  // namespace
}  // namespace nuncio::event
