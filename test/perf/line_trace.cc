// Counts how often cache lines go between threads of a program, from the trace of valgrind's lackey:
//
//   line_trace TRACE    with --trace-mem=yes --trace-sched=yes --log-file=TRACE, a FIFO
//
// Standard input has commands, a line each. `begin THREAD...` counts from here on what these threads do, and is
// answered with `begun`. `end` prints rows: `thread THREAD count` of all accesses of each, then of the cache lines that
// went from one to another `line address thread instruction r|w moves count`, where with `moves` of the `count`
// accesses the line came from another thread; then `end`. It comes from another one when that wrote it last and it is
// read, or touched it since and it is written: as between the caches of cores that run a thread each. Reads the trace
// to its end in any case, since the program waits for that.

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

namespace nuncio::perf {
namespace {

constexpr uint64_t kLine = 64;
// Of threads, by their numbers.
constexpr uint32_t kMostThreads = 64;

// An instruction of a thread that touches an address.
struct Access {
  uint64_t address;
  uint64_t instruction;
  uint32_t thread;
  bool write;
  friend bool operator==(const Access&, const Access&) = default;
};

struct AccessHash {
  size_t operator()(const Access& access) const {
    const uint64_t who = (static_cast<uint64_t>(access.thread) << 1) | (access.write ? 1 : 0);
    return (access.address * 0x9E3779B97F4A7C15u) ^ (access.instruction * 0xC2B2AE3D27D4EB4Fu) ^ who;
  }
};

struct Count {
  uint64_t accesses = 0;
  uint64_t moves = 0;
};

// Where a cache line is.
struct Place {
  // Bits of threads.
  uint64_t holders = 0;
  bool written = false;

  // True where the line comes from another thread.
  bool Touch(uint64_t thread, bool write) {
    const bool moves = write ? (holders & ~thread) != 0 : written && (holders & thread) == 0;
    holders = write ? thread : holders | thread;
    written |= write;
    return moves;
  }
};

class LineTrace {
 public:
  // `threads`: their numbers, a blank before each.
  void Begin(const std::string& threads) {
    counts_.clear();
    places_.clear();
    counted_ = 0;
    for (const char* rest = threads.c_str(); *rest == ' ';) {
      char* end;
      counted_ |= uint64_t{1} << (strtoul(rest, &end, 10) % kMostThreads);
      rest = end;
    }
    printf("begun\n");
    fflush(stdout);
  }

  void End() {
    std::unordered_set<uint64_t> moved;
    std::map<uint32_t, uint64_t> threads;
    for (const auto& [access, count] : counts_) {
      threads[access.thread] += count.accesses;
      if (count.moves > 0) moved.insert(access.address / kLine);
    }
    for (const auto& [thread, count] : threads) printf("thread %u %" PRIu64 "\n", thread, count);
    std::map<std::tuple<uint64_t, uint32_t, uint64_t, bool>, Count> rows;
    for (const auto& [access, count] : counts_) {
      if (!moved.contains(access.address / kLine)) continue;
      rows[{access.address, access.thread, access.instruction, access.write}] = count;
    }
    for (const auto& [key, count] : rows) {
      const auto& [address, thread, instruction, write] = key;
      printf("%" PRIx64 " %" PRIx64 " %u %" PRIx64 " %c %" PRIu64 " %" PRIu64 "\n", address / kLine * kLine, address,
             thread, instruction, write ? 'w' : 'r', count.moves, count.accesses);
    }
    printf("end\n");
    fflush(stdout);
    counted_ = 0;
  }

  void OnLine(std::string_view line) {
    if (line.size() > 3 && (line[0] == ' ' || line[0] == 'I') && line[2] == ' ') {
      if (((counted_ >> thread_) & 1) != 0) OnEvent(line[0] == 'I' ? 'I' : line[1], line.substr(3));
    } else if (line.starts_with("--") && line.ends_with(')')) {
      OnScheduler(line);
    }
  }

 private:
  // "04025310,8", the address in hexadecimal. What an instruction touches comes behind it.
  void OnEvent(char kind, std::string_view rest) {
    uint64_t address = 0;
    size_t at = 0;
    for (; at < rest.size() && rest[at] != ','; ++at) {
      const char digit = rest[at];
      address = (address << 4) | static_cast<uint64_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    if (kind == 'I') {
      instruction_ = address;
      return;
    }
    uint64_t size = 0;
    for (++at; at < rest.size(); ++at) size = size * 10 + static_cast<uint64_t>(rest[at] - '0');
    OnAccess(address, size, kind != 'L');
  }

  void OnAccess(uint64_t begin, uint64_t size, bool write) {
    // Each of the lines that it touches.
    for (uint64_t at = begin; at < begin + size; at = (at / kLine + 1) * kLine) {
      Count& count = counts_[{at, instruction_, thread_, write}];
      ++count.accesses;
      if (places_[at / kLine].Touch(uint64_t{1} << thread_, write)) ++count.moves;
    }
  }

  // "--PID--   SCHED[THREAD]:  acquired lock (WHY)": said by the one that has the lock, as everything else is.
  void OnScheduler(std::string_view line) {
    if (line.find(" acquired lock") == std::string_view::npos) return;
    const size_t at = line.find("SCHED[");
    if (at != std::string_view::npos) thread_ = strtoul(line.data() + at + 6, nullptr, 10) % kMostThreads;
  }

  std::unordered_map<Access, Count, AccessHash> counts_;
  std::unordered_map<uint64_t, Place> places_;
  uint64_t counted_ = 0;
  uint64_t instruction_ = 0;
  uint32_t thread_ = 0;
};

// Splits what comes from a descriptor into lines.
class Lines {
 public:
  explicit Lines(int fd) : fd_(fd) {}

  // Calls `on_line` with the lines that there are. False at the end.
  template <typename OnLine>
  bool Read(OnLine on_line) {
    const ssize_t count = read(fd_, buffer_ + held_, sizeof(buffer_) - held_);
    if (count <= 0) return count < 0 && errno == EINTR;
    std::string_view text(buffer_, held_ + static_cast<size_t>(count));
    for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
      on_line(text.substr(0, end));
    }
    // A line that fills the buffer is none of lackey's.
    held_ = text.size() == sizeof(buffer_) ? 0 : text.size();
    memmove(buffer_, text.data(), held_);
    return true;
  }

 private:
  const int fd_;
  size_t held_ = 0;
  char buffer_[1 << 16];
};

int Run(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    fprintf(stderr, "line_trace: %s: %s\n", path, strerror(errno));
    return 1;
  }
  static LineTrace trace;
  static Lines events(fd), commands(STDIN_FILENO);
  pollfd both[] = {{fd, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  // What stood in the trace before a command counts before it.
  while (both[0].fd >= 0 || both[1].fd >= 0) {
    if (poll(both, std::size(both), -1) < 0 && errno != EINTR) return 1;
    if (both[0].revents != 0 && !events.Read([](std::string_view line) { trace.OnLine(line); })) both[0].fd = -1;
    if (both[1].revents != 0 && !commands.Read([](std::string_view line) {
          if (line.starts_with("begin")) trace.Begin(std::string(line.substr(5)));
          if (line == "end") trace.End();
        })) {
      both[1].fd = -1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace nuncio::perf

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: line_trace TRACE\n");
    return 2;
  }
  return nuncio::perf::Run(argv[1]);
}
