// What goes on beside h1_push: every 100 ms one of the files of a list is put in the place of another, and every second
// something is read by HTTP. A program of its own since it shares the core of the load, which it holds up for less than
// 0.1 ms each time; an interpreter that wakes takes a multiple of that.
//
//   pushes LIST FIRST PORT PATH BYTES
//
// LIST has lines "FROM TO", taken in turn, again and again, from the one with index FIRST: TO becomes another name of
// FROM. Of PATH at PORT at most BYTES are read. Begins with a line "ready", ends with the standard input, and says then
// what it did.

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tools/benchmark/native/sockets.h"

namespace nuncio::benchmark {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
// No multiple of what requests are apart: else all or none of the pushes of a run would come as a request does.
constexpr int64_t kPushEvery = kSecond / 10 + 37'000;
constexpr int64_t kReadEvery = kSecond;
constexpr time_t kPatienceSeconds = 10;
// An answer with less is not what was asked for.
constexpr size_t kLeast = 1024;

struct Change {
  std::string from, to;
};

class Pushes {
 public:
  Pushes(const char* list, size_t first, uint16_t port, const std::string& path, size_t most)
      : next_(first), port_(port), most_(most) {
    std::ifstream file(list);
    for (Change change; file >> change.from >> change.to;) changes_.push_back(change);
    if (changes_.empty()) Die(list);
    request_ = "GET " + path + " HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
  }

  void Run() {
    // The kernel may be late by as much with every timer.
    prctl(PR_SET_TIMERSLACK, 1);
    printf("ready\n");
    fflush(stdout);
    // In short rounds too, as often as that in the mean.
    int64_t push = Now() + Below(kPushEvery);
    int64_t read = Now() + Below(kReadEvery);
    while (SleepUntil(std::min(push, read))) {
      if (push <= read) {
        Push();
        push += kPushEvery;
      } else {
        Read();
        read += kReadEvery;
      }
    }
    printf("{\"pushed\": %zu, \"read\": %zu}\n", pushed_, read_);
  }

 private:
  static int64_t Below(int64_t end) {
    static std::mt19937_64 random{std::random_device{}()};
    return std::uniform_int_distribution<int64_t>(0, end - 1)(random);
  }

  // False: the standard input is at its end.
  static bool SleepUntil(int64_t due) {
    const int64_t left = std::max<int64_t>(0, due - Now());
    const timespec time{left / kSecond, left % kSecond};
    pollfd input{STDIN_FILENO, POLLIN, 0};
    return ppoll(&input, 1, &time, nullptr) == 0;
  }

  void Push() {
    const Change& change = changes_[next_++ % changes_.size()];
    // A name beside it that can be moved, as FROM cannot, which is to be pushed again.
    const std::string moved = change.from + ".moved";
    if (link(change.from.c_str(), moved.c_str()) != 0) Die("link");
    if (rename(moved.c_str(), change.to.c_str()) != 0) Die("rename");
    ++pushed_;
  }

  void Read() {
    const int fd = Connect(port_);
    if (fd < 0) Die("connect");
    // From here on it waits, so that few calls do; not for ever, lest the benchmark hang with a proxy.
    const timeval patience{kPatienceSeconds, 0};
    if (fcntl(fd, F_SETFL, 0) != 0) Die("fcntl");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (send(fd, request_.data(), request_.size(), MSG_NOSIGNAL) < 0) Die("send");
    static char room[1 << 20];
    size_t size = 0;
    while (size < most_) {
      const ssize_t count = recv(fd, room, std::min(sizeof(room), most_ - size), MSG_WAITALL);
      if (count < 0) Die("recv");
      if (count == 0) break;
      size += count;
    }
    close(fd);
    if (size < kLeast) Die("what was read is too short");
    ++read_;
  }

  std::vector<Change> changes_;
  size_t next_;
  uint16_t port_;
  size_t most_;
  std::string request_;
  size_t pushed_ = 0, read_ = 0;
};

}  // namespace
}  // namespace nuncio::benchmark

int main(int argc, char** argv) {
  using namespace nuncio::benchmark;
  if (argc != 6) {
    fprintf(stderr, "pushes LIST FIRST PORT PATH BYTES\n");
    return 1;
  }
  Pushes(argv[1], strtoull(argv[2], nullptr, 10), ParsePort(argv[3]), argv[4], strtoull(argv[5], nullptr, 10)).Run();
}
