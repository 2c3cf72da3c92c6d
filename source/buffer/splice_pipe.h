#pragma once

#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace nuncio::buffer {

// A pipe in the kernel, through which bytes go from one socket to another without being copied into the process
// (splice(2)). What is in it holds pages of the kernel's, not of the process.
class SplicePipe {
 public:
  // Null where the kernel gives none of a size that is worth it: descriptors, or pages of pipes, have run out.
  static std::unique_ptr<SplicePipe> Create();
  ~SplicePipe();
  SplicePipe(const SplicePipe&) = delete;
  SplicePipe& operator=(const SplicePipe&) = delete;

  // Bytes in it.
  size_t length() const { return length_; }
  // See SplicePipes.
  uint64_t loan() const { return loan_; }
  // Of an empty one only, so that EAGAIN tells that the socket has nothing. At most `limit` bytes; 0: as many as fit.
  // As recv(2): the bytes moved, 0 at the end, or -1 and errno; EINVAL where sockets of this kind cannot.
  ssize_t Fill(int socket, size_t limit);
  // As send(2), without SIGPIPE where the process ignores that.
  ssize_t Empty(int socket);

 private:
  friend class SplicePipes;
  static constexpr int kSize = 1024 * 1024;
  static constexpr int kMinSize = 256 * 1024;

  SplicePipe(int read_end, int write_end, size_t capacity)
      : read_end_(read_end), write_end_(write_end), capacity_(capacity) {}

  const int read_end_;
  const int write_end_;
  const size_t capacity_;
  size_t length_ = 0;
  uint64_t loan_ = 0;
};

// The pipes of one worker: a buffer has one for as long as bytes of its content are in there. Not thread-safe.
class SplicePipes {
 public:
  // Two descriptors and at most 1 MiB of the kernel's memory each.
  static constexpr size_t kMaxPipes = 16;

  // An empty one; null where all are in use or the kernel refuses.
  std::unique_ptr<SplicePipe> Take();
  // What is in it is lost.
  void Return(std::unique_ptr<SplicePipe> pipe);
  // Whether a pipe is still out that was taken with this loan's number; they begin with 1.
  bool lent(uint64_t loan) const { return std::find(lent_.begin(), lent_.end(), loan) != lent_.end(); }
  // Those there are, in use or not.
  size_t made() const { return made_; }

 private:
  // After a refusal the kernel is asked again when so many were wanted.
  static constexpr int kPatience = 1024;

  std::unique_ptr<SplicePipe> Find();

  std::vector<std::unique_ptr<SplicePipe>> free_;
  std::vector<uint64_t> lent_;
  uint64_t loans_ = 0;
  size_t made_ = 0;
  int skip_ = 0;
};

}  // namespace nuncio::buffer
