#include "source/buffer/splice_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace nuncio::buffer {

std::unique_ptr<SplicePipe> SplicePipe::Create() {
  int ends[2];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return nullptr;
  // Beyond the user's share of pages (pipe-user-pages-soft) only smaller ones are given.
  int capacity = -1;
  for (int size = kSize; size >= kMinSize && capacity < 0; size /= 2) capacity = fcntl(ends[1], F_SETPIPE_SZ, size);
  if (capacity >= kMinSize) {
    return std::unique_ptr<SplicePipe>(new SplicePipe(ends[0], ends[1], static_cast<size_t>(capacity)));
  }
  close(ends[0]);
  close(ends[1]);
  return nullptr;
}

SplicePipe::~SplicePipe() {
  close(read_end_);
  close(write_end_);
}

ssize_t SplicePipe::Fill(int socket, size_t limit) {
  const size_t most = limit == 0 ? capacity_ : std::min(limit, capacity_);
  const ssize_t n = splice(socket, nullptr, write_end_, nullptr, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (n > 0) length_ += static_cast<size_t>(n);
  return n;
}

ssize_t SplicePipe::Empty(int socket) {
  const ssize_t n = splice(read_end_, nullptr, socket, nullptr, length_, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (n > 0) length_ -= static_cast<size_t>(n);
  return n;
}

std::unique_ptr<SplicePipe> SplicePipes::Take() {
  std::unique_ptr<SplicePipe> pipe = Find();
  if (pipe != nullptr) lent_.push_back(pipe->loan_ = ++loans_);
  return pipe;
}

std::unique_ptr<SplicePipe> SplicePipes::Find() {
  if (!free_.empty()) {
    std::unique_ptr<SplicePipe> pipe = std::move(free_.back());
    free_.pop_back();
    return pipe;
  }
  if (made_ == kMaxPipes) return nullptr;
  if (skip_ > 0) {
    --skip_;
    return nullptr;
  }
  std::unique_ptr<SplicePipe> pipe = SplicePipe::Create();
  if (pipe == nullptr) {
    skip_ = kPatience;
  } else {
    ++made_;
  }
  return pipe;
}

void SplicePipes::Return(std::unique_ptr<SplicePipe> pipe) {
  std::erase(lent_, pipe->loan_);
  if (pipe->length() == 0) {
    free_.push_back(std::move(pipe));
  } else {
    --made_;
  }
}

}  // namespace nuncio::buffer
