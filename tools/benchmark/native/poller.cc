#include "tools/benchmark/native/poller.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>

#include "tools/benchmark/native/sockets.h"

namespace nuncio::benchmark {
namespace {

constexpr int kBatch = 512;

}  // namespace

Poller::Poller() : fd_(epoll_create1(EPOLL_CLOEXEC)) {
  if (fd_ < 0) Die("epoll_create1");
}

void Poller::Add(int fd, Handler* handler) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = handler;
  if (epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event) != 0) Die("epoll_ctl");
}

void Poller::Wait(int64_t nanoseconds) {
  static epoll_event events[kBatch];
  const timespec timeout{nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
  const int count = epoll_pwait2(fd_, events, kBatch, nanoseconds < 0 ? nullptr : &timeout, nullptr);
  if (count < 0 && errno != EINTR) Die("epoll_pwait2");
  for (int i = 0; i < count; ++i) static_cast<Handler*>(events[i].data.ptr)->OnEvents(events[i].events);
}

}  // namespace nuncio::benchmark
