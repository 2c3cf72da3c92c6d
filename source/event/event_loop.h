#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "source/base/clock.h"
#include "source/base/delegate.h"
#include "source/base/intrusive_list.h"
#include "source/base/thread_check.h"

namespace nuncio::event {

class Timer;

// Told of readiness of one descriptor. Registration is edge-triggered and made once for its life: the handler reads
// and writes until the kernel says EAGAIN or it knows better, and remembers what it did not use up.
class FdHandler {
 public:
  // `events` as by epoll_wait(2).
  virtual void OnFdEvents(uint32_t events) = 0;

 protected:
  ~FdHandler() = default;
};

// Work of an object to be done a little later on its loop; see EventLoop::AfterEvent and the like. A task waits in one
// place at a time, and leaves it when destroyed.
class TurnTask : public ListNode<TurnTask> {
 public:
  explicit TurnTask(Delegate<void()> run) : run_(run) {}
  bool scheduled() const { return linked(); }
  void Cancel() { Unlink(); }

 private:
  friend class EventLoop;
  Delegate<void()> run_;
};

// What may be handed to EventLoop::DeferDelete.
class DeferredDeletable : public ListNode<DeferredDeletable> {
 public:
  virtual ~DeferredDeletable() = default;
};

// One thread's loop over epoll. All members but Post and Exit belong to the thread that runs it.
//
// A turn: wait; for each ready descriptor its handler, then the tasks of AfterEvent; due timers, posted closures, tasks
// of NextTurn as of the turn's begin; then the tasks of AtEndOfTurn; then deferred deletions.
class EventLoop {
 public:
  explicit EventLoop(const Clock& clock = Clock::Real());
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  // Closures still posted are destroyed without being run.
  ~EventLoop();

  // Until Exit.
  void Run();
  // One turn, without blocking. For tests, and to drain what is pending.
  void RunOnce();
  // From any thread: Run returns at the end of its turn.
  void Exit();

  // Any thread. Closures run in the order posted. False after Run has returned for good (see StopAccepting).
  bool Post(std::function<void()> closure);
  // From now on Post refuses; what is queued runs once more with the next turn.
  void StopAccepting();

  // Time of the current turn: taken after waiting, so cheap and good enough for timeouts.
  MonotonicTime now() const { return now_; }
  // Wall clock of the current turn.
  SystemTime SystemNow() const { return system_now_; }
  // Fresh time, for measuring within a turn.
  MonotonicTime FreshNow() const { return clock_.Monotonic(); }
  const Clock& clock() const { return clock_; }

  // Registers for EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP, edge-triggered. Returns errno, 0 on success. `handler`
  // must stay until Unregister.
  int Register(int fd, FdHandler& handler);
  // Of a descriptor on the loop: from now on `to` is told of its events in place of `from`, and at once of what the
  // descriptor is ready for. Without `output` it is not told when it can be written to. Returns errno, 0 on success.
  int Rebind(int fd, FdHandler& from, FdHandler& to, bool output);
  // For descriptors that only are read, level-triggered when `level`.
  int RegisterReadOnly(int fd, FdHandler& handler, bool level);
  int Modify(int fd, FdHandler& handler, uint32_t events);
  // Before close(fd). Events of `handler` still pending in this turn are dropped.
  void Unregister(int fd, FdHandler& handler);
  // As Unregister for a descriptor about to be closed, whose registration the close ends by itself.
  void Forget(FdHandler& handler);

  // Runs the task once the current descriptor event (or closure, or timer) has been handled.
  void AfterEvent(TurnTask& task) { Schedule(after_event_, task); }
  // Runs the task at the end of this turn.
  void AtEndOfTurn(TurnTask& task) { Schedule(end_of_turn_, task); }
  // Runs the task in the next turn, which then does not block.
  void NextTurn(TurnTask& task) { Schedule(next_turn_, task); }

  // Destroys the object at the end of the turn, when no caller of it is left on the stack.
  void DeferDelete(std::unique_ptr<DeferredDeletable> object) { deferred_.PushBack(*object.release()); }

  bool IsLoopThread() { return thread_.CalledOnOwner(); }
  // The turn began with one descriptor's events at most: the thread mostly sleeps, and has time.
  bool quiet() const { return quiet_; }
  // Turns made so far; a turn that takes long shows in other measures.
  uint64_t turns() const { return turns_; }

 private:
  friend class Timer;
  static constexpr int kMaxEvents = 256;
  // Room for so many closures is kept for later ones.
  static constexpr size_t kKeptPosts = 256;

  void Turn(bool block);
  int WaitMillis(bool block);
  void RunTasks(IntrusiveList<TurnTask>& tasks);
  void RunPosted();
  void RunTimers();
  void DeleteDeferred();
  void Schedule(IntrusiveList<TurnTask>& list, TurnTask& task) {
    if (!task.linked()) list.PushBack(task);
  }
  void Wake();

  // Binary heap of timers by their heap key; see Timer.
  void HeapInsert(Timer& timer);
  void HeapRemove(Timer& timer);
  void SiftUp(size_t at);
  void SiftDown(size_t at);

  // Constant after construction.
  const Clock& clock_;
  int epoll_fd_;
  int wake_fd_;

  // Owned by the loop's thread.
  ThreadCheck thread_;
  MonotonicTime now_;
  SystemTime system_now_;
  uint64_t turns_ = 0;
  bool quiet_ = true;
  IntrusiveList<TurnTask> after_event_;
  IntrusiveList<TurnTask> end_of_turn_;
  IntrusiveList<TurnTask> next_turn_;
  IntrusiveList<DeferredDeletable> deferred_;
  std::vector<Timer*> heap_;
  epoll_event events_[kMaxEvents];
  int event_count_ = 0;
  int event_at_ = 0;

  // Any thread.
  std::atomic<bool> exit_{false};
  std::atomic<bool> wake_pending_{false};
  std::mutex post_mutex_;
  std::vector<std::function<void()>> posted_;  // Guarded by post_mutex_.
  bool accepting_ = true;                      // Guarded by post_mutex_.
  std::vector<std::function<void()>> running_;
};

// Calls its delegate once when its time has come. Moving a deadline further away, the common case of idle timeouts,
// stores a number: the loop's heap is touched when the old time comes. Belongs to the loop's thread; may be re-armed or
// destroyed in its own callback.
class Timer {
 public:
  Timer(EventLoop& loop, Delegate<void()> callback) : loop_(loop), callback_(callback) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer();

  // Fires `after` from the loop's now; replaces an earlier deadline. Not before the next turn.
  void Arm(Duration after) { ArmAt(loop_.now() + after); }
  void ArmAt(MonotonicTime deadline);
  void Disarm() { armed_ = false; }
  bool armed() const { return armed_; }
  MonotonicTime deadline() const { return deadline_; }

 private:
  friend class EventLoop;
  static constexpr size_t kNotInHeap = static_cast<size_t>(-1);

  EventLoop& loop_;
  Delegate<void()> callback_;
  MonotonicTime deadline_{};
  // Where the heap thinks the timer is: never later than deadline_ while armed.
  MonotonicTime heap_key_{};
  size_t heap_at_ = kNotInHeap;
  bool armed_ = false;
};

}  // namespace nuncio::event
