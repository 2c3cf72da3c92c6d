// The floor: forwards TCP without looking at it, one upstream connection for each of a client's, one thread. What one
// receive and one send per message cost on this kernel; a proxy can be cheaper where it keeps upstream connections,
// splices, or sends many messages at once.
//
//   forwarder PORT UPSTREAM_PORT

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

#include "tools/benchmark/native/poller.h"
#include "tools/benchmark/native/sockets.h"

namespace nuncio::benchmark {
namespace {

constexpr size_t kRoom = 64 * 1024;

class Side;
// Both sides of a connection end with one of them, which may have an event in the batch still: deleted behind it.
std::vector<Side*> ended;

// What comes from one socket goes to the peer's.
class Side final : public Handler {
 public:
  explicit Side(int fd) : fd_(fd) {}
  static void Join(Side* a, Side* b) {
    a->peer_ = b;
    b->peer_ = a;
  }

  void OnEvents(uint32_t events) override {
    if (fd_ >= 0 && !Proceed(events)) End();
  }

 private:
  // False: one of the two connections is at its end.
  bool Proceed(uint32_t events) {
    const bool full = !waiting_.empty();
    if (full && !Flush()) return false;
    // While this side was full, events of the peer went by.
    if (full && waiting_.empty() && !peer_->Forward(true)) return false;
    if ((events & ~EPOLLOUT) == 0) return true;
    return Forward((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
  }

  // `to_end`: there may be more behind a receive that did not fill its buffer.
  bool Forward(bool to_end) {
    static char buffer[kRoom];
    while (peer_->waiting_.empty()) {
      const ssize_t count = recv(fd_, buffer, kRoom, 0);
      if (count < 0 && errno == EAGAIN) break;
      if (count <= 0) return false;
      if (!peer_->Send({buffer, static_cast<size_t>(count)})) return false;
      if (count < static_cast<ssize_t>(kRoom) && !to_end) break;
    }
    return true;
  }

  bool Send(std::string_view bytes) {
    const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    // No room, or not connected yet.
    if (count < 0 && errno != EAGAIN && errno != ENOTCONN) return false;
    bytes.remove_prefix(count < 0 ? 0 : count);
    waiting_.assign(bytes);
    return true;
  }

  bool Flush() {
    const ssize_t count = send(fd_, waiting_.data() + sent_, waiting_.size() - sent_, MSG_NOSIGNAL);
    if (count < 0) return errno == EAGAIN || errno == ENOTCONN;
    sent_ += count;
    if (sent_ == waiting_.size()) {
      waiting_.clear();
      sent_ = 0;
    }
    return true;
  }

  void End() {
    for (Side* side : {this, peer_}) {
      close(side->fd_);
      side->fd_ = -1;
      ended.push_back(side);
    }
  }

  int fd_;
  Side* peer_ = nullptr;
  // What was read from the peer's socket and is still to be sent to this one: waiting_[sent_..].
  std::string waiting_;
  size_t sent_ = 0;
};

class Listener final : public Handler {
 public:
  Listener(Poller& poller, uint16_t port, uint16_t upstream) : poller_(poller), fd_(Listen(port)), upstream_(upstream) {
    poller_.Add(fd_, this);
  }

  void OnEvents(uint32_t) override {
    for (int client; (client = Accept(fd_)) >= 0;) {
      const int server = Connect(upstream_);
      if (server < 0) {
        close(client);
        continue;
      }
      // Made and left for every request where the client does so: it would run out of ports.
      ResetOnClose(server);
      auto* downstream = new Side(client);
      auto* upstream = new Side(server);
      Side::Join(downstream, upstream);
      poller_.Add(client, downstream);
      poller_.Add(server, upstream);
    }
  }

 private:
  Poller& poller_;
  const int fd_;
  const uint16_t upstream_;
};

[[noreturn]] void Serve(uint16_t port, uint16_t upstream) {
  RaiseDescriptorLimit();
  Poller poller;
  Listener listener(poller, port, upstream);
  for (;;) {
    poller.Wait(-1);
    for (Side* side : ended) delete side;
    ended.clear();
  }
}

}  // namespace
}  // namespace nuncio::benchmark

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: forwarder PORT UPSTREAM_PORT\n");
    return 2;
  }
  nuncio::benchmark::Serve(nuncio::benchmark::ParsePort(argv[1]), nuncio::benchmark::ParsePort(argv[2]));
}
