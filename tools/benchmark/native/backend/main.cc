// The server behind the proxies: HTTP/1.1 on one port, HTTP/2 without TLS on another, one thread. It is to be far
// cheaper than any proxy, not general. Prints both ports, and serves until its standard input ends.

#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tools/benchmark/native/backend/http1_connection.h"
#include "tools/benchmark/native/backend/http2_connection.h"
#include "tools/benchmark/native/poller.h"
#include "tools/benchmark/native/sockets.h"

namespace nuncio::benchmark {
namespace {

template <typename Kind>
class Listener final : public Handler {
 public:
  explicit Listener(Poller& poller) : poller_(poller), fd_(Listen(0)) { poller_.Add(fd_, this); }
  uint16_t port() const { return PortOf(fd_); }

  void OnEvents(uint32_t) override {
    for (int fd; (fd = Accept(fd_)) >= 0;) poller_.Add(fd, new Kind(fd));
  }

 private:
  Poller& poller_;
  const int fd_;
};

class Parent final : public Handler {
 public:
  explicit Parent(Poller& poller) { poller.Add(STDIN_FILENO, this); }

  void OnEvents(uint32_t events) override {
    if ((events & EPOLLHUP) != 0) _exit(0);
  }
};

[[noreturn]] void Serve() {
  RaiseDescriptorLimit();
  Poller poller;
  Listener<Http1Connection> http1(poller);
  Listener<Http2Connection> http2(poller);
  Parent parent(poller);
  printf("%u %u\n", http1.port(), http2.port());
  fflush(stdout);
  for (;;) poller.Wait(-1);
}

}  // namespace
}  // namespace nuncio::benchmark

int main() { nuncio::benchmark::Serve(); }
