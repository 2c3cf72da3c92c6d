#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "source/base/thread_check.h"
#include "source/buffer/slice_pool.h"

namespace nuncio::buffer {

// A chain of pooled slices: bytes are appended at the tail, drained from the front, and moved between buffers of one
// pool without copying. An empty buffer holds no memory. Not thread-safe.
//
// Some of the content may have stayed in the kernel (ReadInKernel), where whoever asked for that knows that it is only
// passed on: it counts in length(), moves in whole pieces, can be dropped, and leaves by WriteInKernel. What shows or
// copies bytes must not meet it.
class Buffer {
 public:
  explicit Buffer(SlicePool& pool) : pool_(&pool) {}
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { Clear(); }

  size_t length() const { return length_; }
  bool empty() const { return length_ == 0; }
  SlicePool& pool() const { return *pool_; }

  // Copies.
  void Append(std::string_view bytes);
  void Prepend(std::string_view bytes);

  // `size` contiguous writable bytes at the tail, to be followed by Commit of at most that many before any other call.
  char* Reserve(size_t size);
  void Commit(size_t size);

  // Room for reading `want` bytes, first what the tail slice has left, then large slices; returns the number of
  // entries filled (at most `max`). To be followed by CommitRead, which keeps what was filled and returns the rest.
  size_t ReserveForRead(size_t want, iovec* out, size_t max);
  void CommitRead(size_t read);

  // Moves the first `size` bytes (all by default) of `other` to the tail. Whole slices change owner; pieces so small
  // that keeping their slice would waste memory are copied.
  void MoveFrom(Buffer& other) { MoveFrom(other, other.length_); }
  void MoveFrom(Buffer& other, size_t size);

  // Moves the `size` bytes that follow the first `skip` of `other` to the tail, and drops those and `drop` bytes after
  // them; all of these are in other's first slice. Where they are all that it holds it changes owner, unless that
  // wastes memory.
  void TakeRun(Buffer& other, size_t skip, size_t size, size_t drop);

  // Takes at most `limit` bytes (0: as many as fit) that the socket has, and appends them without having them in
  // memory. False where no pipe is to be had, or that of `*loan` is still in use: whoever takes the bytes is slow, and
  // pipes are few. `*loan` is of the last call for this socket, 0 at first. `*result` is as of recv(2), with errno;
  // EINVAL where sockets of this kind cannot.
  bool ReadInKernel(int socket, size_t limit, uint64_t* loan, ssize_t* result);
  // Writes of the first bytes, which are in the kernel, as many as the socket takes, and drains them. As send(2).
  ssize_t WriteInKernel(int socket);
  // The first bytes are in the kernel.
  bool begins_in_kernel() const { return head_ != nullptr && head_->in_kernel(); }

  void Drain(size_t size);
  void Clear();

  // The first contiguous run of bytes; empty only when the buffer is.
  std::string_view Front() const {
    NUNCIO_ASSERT(!begins_in_kernel());
    return head_ == nullptr ? std::string_view() : std::string_view(head_->data() + head_->begin, head_->length());
  }
  // The first `size` bytes (<= length) as one contiguous run, copying where they span slices.
  std::string_view Linearize(size_t size);
  // Gives back memory that a small remainder pins: for data that is to stay a while.
  void Compact();

  // Describes the content from the front up to what is in the kernel; returns the number of entries.
  size_t Describe(iovec* out, size_t max) const;

  // The first `size` bytes (<= length).
  void CopyOut(void* out, size_t size) const;
  std::string ToString() const;

  // Forward iteration over the slices, for readers that must not copy.
  template <typename F>
  void ForEachRun(F&& f) const {
    for (const Slice* s = head_; s != nullptr; s = s->next) {
      NUNCIO_ASSERT(!s->in_kernel());
      if (s->length() > 0) f(std::string_view(s->data() + s->begin, s->length()));
    }
  }

 private:
  void PushSlice(Slice* slice);
  Slice* PopFront();

  SlicePool* pool_;
  Slice* head_ = nullptr;
  Slice* tail_ = nullptr;
  // Meaningful between ReserveForRead and CommitRead: the tail before, and whether its room was offered too.
  Slice* reserve_after_ = nullptr;
  bool tail_room_reserved_ = false;
  size_t length_ = 0;
};

}  // namespace nuncio::buffer
