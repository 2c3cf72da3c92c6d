#include "source/event/event_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "source/base/logging.h"

namespace nuncio::event {
namespace {

constexpr uint32_t kStreamEvents = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;

}  // namespace

EventLoop::EventLoop(const Clock& clock)
    : clock_(clock),
      epoll_fd_(epoll_create1(EPOLL_CLOEXEC)),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      now_(clock.Monotonic()),
      system_now_(clock.System()) {
  if (epoll_fd_ < 0 || wake_fd_ < 0) {
    // Without descriptors for its loops the process cannot even say why over the network.
    NUNCIO_LOG(kMain, kCritical, ErrnoStatus(errno, "cannot create an event loop").message());
    abort();
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // The wake descriptor is the one without a handler.
  epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event);
}

EventLoop::~EventLoop() {
  DeleteDeferred();
  for (Timer* timer : heap_) timer->heap_at_ = Timer::kNotInHeap;
  close(wake_fd_);
  close(epoll_fd_);
}

void EventLoop::Run() {
  thread_.Rebind();
  NUNCIO_CHECK_THREAD(thread_);
  while (!exit_.load(std::memory_order_relaxed)) Turn(true);
  exit_.store(false, std::memory_order_relaxed);
}

void EventLoop::RunOnce() { Turn(false); }

void EventLoop::Exit() {
  exit_.store(true, std::memory_order_relaxed);
  Wake();
}

void EventLoop::Wake() {
  // One write however many posts come before the loop wakes.
  if (wake_pending_.exchange(true, std::memory_order_acq_rel)) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = write(wake_fd_, &one, sizeof(one));
}

bool EventLoop::Post(std::function<void()> closure) {
  {
    std::lock_guard lock(post_mutex_);
    if (!accepting_) return false;
    posted_.push_back(std::move(closure));
  }
  Wake();
  return true;
}

void EventLoop::StopAccepting() {
  std::lock_guard lock(post_mutex_);
  accepting_ = false;
}

int EventLoop::Register(int fd, FdHandler& handler) {
  epoll_event event{};
  event.events = kStreamEvents;
  event.data.ptr = &handler;
  return epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

int EventLoop::Rebind(int fd, FdHandler& from, FdHandler& to, bool output) {
  const int error = Modify(fd, to, output ? kStreamEvents : kStreamEvents & ~EPOLLOUT);
  if (error == 0) Forget(from);
  return error;
}

int EventLoop::RegisterReadOnly(int fd, FdHandler& handler, bool level) {
  epoll_event event{};
  event.events = EPOLLIN | (level ? 0u : static_cast<uint32_t>(EPOLLET));
  event.data.ptr = &handler;
  return epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

int EventLoop::Modify(int fd, FdHandler& handler, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  return epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) == 0 ? 0 : errno;
}

void EventLoop::Unregister(int fd, FdHandler& handler) {
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
  Forget(handler);
}

void EventLoop::Forget(FdHandler& handler) {
  for (int i = event_at_; i < event_count_; ++i) {
    if (events_[i].data.ptr == &handler) events_[i].data.ptr = this;  // Skipped below.
  }
}

int EventLoop::WaitMillis(bool block) {
  if (!block || clock_.simulated() || !next_turn_.empty() || !after_event_.empty() || !end_of_turn_.empty()) return 0;
  if (heap_.empty()) return -1;
  const Duration left = heap_.front()->heap_key_ - now_;
  if (left <= Duration::zero()) return 0;
  // Rounded up, lest the loop spin through the last millisecond.
  const auto millis = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::min<int64_t>(millis, 3600 * 1000));
}

void EventLoop::Turn(bool block) {
  event_count_ = epoll_wait(epoll_fd_, events_, kMaxEvents, WaitMillis(block));
  now_ = clock_.Monotonic();
  system_now_ = clock_.System();
  ++turns_;
  quiet_ = event_count_ <= 1;
  bool woken = clock_.simulated();
  IntrusiveList<TurnTask> from_last_turn;
  from_last_turn.TakeAll(next_turn_);
  for (event_at_ = 0; event_at_ < event_count_;) {
    const epoll_event event = events_[event_at_++];
    if (event.data.ptr == nullptr) {
      woken = true;
      continue;
    }
    if (event.data.ptr == this) continue;
    static_cast<FdHandler*>(event.data.ptr)->OnFdEvents(event.events);
    RunTasks(after_event_);
  }
  event_count_ = event_at_ = 0;
  RunTimers();
  if (woken) RunPosted();
  while (TurnTask* task = from_last_turn.PopFront()) {
    task->run_();
    RunTasks(after_event_);
  }
  RunTasks(after_event_);
  RunTasks(end_of_turn_);
  RunTasks(after_event_);
  DeleteDeferred();
}

void EventLoop::RunTasks(IntrusiveList<TurnTask>& tasks) {
  while (TurnTask* task = tasks.PopFront()) task->run_();
}

void EventLoop::RunPosted() {
  if (wake_pending_.load(std::memory_order_relaxed)) {
    uint64_t count;
    [[maybe_unused]] const ssize_t n = read(wake_fd_, &count, sizeof(count));
    wake_pending_.store(false, std::memory_order_release);
  }
  {
    std::lock_guard lock(post_mutex_);
    running_.swap(posted_);
  }
  for (auto& closure : running_) {
    closure();
    closure = nullptr;  // What it holds dies here, not with the last of the batch.
    RunTasks(after_event_);
  }
  if (running_.capacity() > kKeptPosts) {
    running_ = std::vector<std::function<void()>>();
  } else {
    running_.clear();
  }
}

void EventLoop::RunTimers() {
  while (!heap_.empty() && heap_.front()->heap_key_ <= now_) {
    Timer& timer = *heap_.front();
    HeapRemove(timer);
    if (!timer.armed_) continue;
    if (timer.deadline_ > now_) {
      HeapInsert(timer);
      continue;
    }
    timer.armed_ = false;
    timer.callback_();
    RunTasks(after_event_);
  }
}

void EventLoop::DeleteDeferred() {
  while (DeferredDeletable* object = deferred_.PopFront()) delete object;
}

void EventLoop::HeapInsert(Timer& timer) {
  timer.heap_key_ = timer.deadline_;
  timer.heap_at_ = heap_.size();
  heap_.push_back(&timer);
  SiftUp(timer.heap_at_);
}

void EventLoop::HeapRemove(Timer& timer) {
  const size_t at = timer.heap_at_;
  timer.heap_at_ = Timer::kNotInHeap;
  Timer* last = heap_.back();
  heap_.pop_back();
  if (last == &timer) return;
  heap_[at] = last;
  last->heap_at_ = at;
  SiftUp(at);
  SiftDown(last->heap_at_);
}

void EventLoop::SiftUp(size_t at) {
  Timer* timer = heap_[at];
  while (at > 0) {
    const size_t parent = (at - 1) / 2;
    if (heap_[parent]->heap_key_ <= timer->heap_key_) break;
    heap_[at] = heap_[parent];
    heap_[at]->heap_at_ = at;
    at = parent;
  }
  heap_[at] = timer;
  timer->heap_at_ = at;
}

void EventLoop::SiftDown(size_t at) {
  Timer* timer = heap_[at];
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->heap_key_ < heap_[child]->heap_key_) ++child;
    if (timer->heap_key_ <= heap_[child]->heap_key_) break;
    heap_[at] = heap_[child];
    heap_[at]->heap_at_ = at;
    at = child;
  }
  heap_[at] = timer;
  timer->heap_at_ = at;
}

Timer::~Timer() {
  if (heap_at_ != kNotInHeap) loop_.HeapRemove(*this);
}

void Timer::ArmAt(MonotonicTime deadline) {
  // Never in the turn that arms it: a timer that re-arms itself with zero must not hold the loop.
  if (deadline <= loop_.now()) deadline = loop_.now() + Duration(1);
  deadline_ = deadline;
  armed_ = true;
  if (heap_at_ != kNotInHeap) {
    if (deadline >= heap_key_) return;
    loop_.HeapRemove(*this);
  }
  loop_.HeapInsert(*this);
}

}  // namespace nuncio::event
