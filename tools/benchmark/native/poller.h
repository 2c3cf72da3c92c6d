#pragma once

#include <cstdint>

namespace nuncio::benchmark {

class Handler {
 public:
  virtual ~Handler() = default;
  // EPOLL* of this descriptor. A handler may delete itself, and no other one.
  virtual void OnEvents(uint32_t events) = 0;
};

// Edge-triggered epoll: a handler reads until there is nothing more, and is called again when more comes, or when room
// came after a write that found none. A descriptor is left by closing it.
class Poller {
 public:
  Poller();
  void Add(int fd, Handler* handler);
  // Waits for at most so many nanoseconds, < 0: for ever, and calls handlers.
  void Wait(int64_t nanoseconds);

 private:
  int fd_;
};

}  // namespace nuncio::benchmark
