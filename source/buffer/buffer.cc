#include "source/buffer/buffer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace nuncio::buffer {
namespace {

// Up to this many bytes are copied into the tail's room rather than having their slice handed over.
constexpr size_t kCopyLimit = 512;

}  // namespace

Buffer::Buffer(Buffer&& other) noexcept
    : pool_(other.pool_),
      head_(std::exchange(other.head_, nullptr)),
      tail_(std::exchange(other.tail_, nullptr)),
      length_(std::exchange(other.length_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this == &other) return *this;
  Clear();
  pool_ = other.pool_;
  head_ = std::exchange(other.head_, nullptr);
  tail_ = std::exchange(other.tail_, nullptr);
  length_ = std::exchange(other.length_, 0);
  return *this;
}

void Buffer::PushSlice(Slice* slice) {
  slice->next = nullptr;
  if (tail_ == nullptr) {
    head_ = slice;
  } else {
    tail_->next = slice;
  }
  tail_ = slice;
}

Slice* Buffer::PopFront() {
  Slice* slice = head_;
  head_ = slice->next;
  if (head_ == nullptr) tail_ = nullptr;
  return slice;
}

void Buffer::Append(std::string_view bytes) {
  length_ += bytes.size();
  while (!bytes.empty()) {
    if (tail_ == nullptr || tail_->room() == 0) PushSlice(pool_->Take(std::min(bytes.size(), SlicePool::kLarge)));
    const size_t n = std::min(bytes.size(), tail_->room());
    memcpy(tail_->data() + tail_->end, bytes.data(), n);
    tail_->end += static_cast<uint32_t>(n);
    bytes.remove_prefix(n);
  }
}

void Buffer::Prepend(std::string_view bytes) {
  if (bytes.empty()) return;
  length_ += bytes.size();
  if (head_ != nullptr && head_->begin >= bytes.size() && !head_->in_kernel()) {
    head_->begin -= static_cast<uint32_t>(bytes.size());
    memcpy(head_->data() + head_->begin, bytes.data(), bytes.size());
    return;
  }
  Slice* slice = pool_->Take(bytes.size());
  memcpy(slice->data(), bytes.data(), bytes.size());
  slice->end = static_cast<uint32_t>(bytes.size());
  slice->next = head_;
  head_ = slice;
  if (tail_ == nullptr) tail_ = slice;
}

char* Buffer::Reserve(size_t size) {
  if (tail_ == nullptr || tail_->room() < size) PushSlice(pool_->Take(size));
  return tail_->data() + tail_->end;
}

void Buffer::Commit(size_t size) {
  tail_->end += static_cast<uint32_t>(size);
  length_ += size;
}

size_t Buffer::ReserveForRead(size_t want, iovec* out, size_t max) {
  size_t count = 0;
  reserve_after_ = tail_;
  // A little room in the tail is not worth a second entry for the kernel.
  tail_room_reserved_ = tail_ != nullptr && tail_->room() >= kCopyLimit;
  if (tail_room_reserved_) {
    out[count++] = {tail_->data() + tail_->end, tail_->room()};
    want -= std::min(want, tail_->room());
  }
  while (want > 0 && count < max) {
    Slice* slice = pool_->Take(SlicePool::kLarge);
    PushSlice(slice);
    out[count++] = {slice->data(), slice->room()};
    want -= std::min(want, slice->room());
  }
  return count;
}

void Buffer::CommitRead(size_t read) {
  length_ += read;
  Slice* last = reserve_after_;
  if (tail_room_reserved_) {
    const size_t n = std::min(read, last->room());
    last->end += static_cast<uint32_t>(n);
    read -= n;
  }
  Slice* slice = last == nullptr ? head_ : last->next;
  while (slice != nullptr && read > 0) {
    const size_t n = std::min(read, slice->room());
    slice->end += static_cast<uint32_t>(n);
    read -= n;
    last = slice;
    slice = slice->next;
  }
  while (slice != nullptr) {
    Slice* next = slice->next;
    pool_->Return(slice);
    slice = next;
  }
  tail_ = last;
  if (last == nullptr) {
    head_ = nullptr;
  } else {
    last->next = nullptr;
  }
}

void Buffer::MoveFrom(Buffer& other, size_t size) {
  size = std::min(size, other.length_);
  while (size > 0) {
    Slice* slice = other.head_;
    const size_t n = std::min(size, slice->length());
    const bool whole = n == slice->length();
    const bool wasteful = n <= kCopyLimit && (n < slice->capacity / 4) && tail_ != nullptr && tail_->room() >= n;
    if (!whole || (wasteful && !slice->in_kernel())) {
      NUNCIO_ASSERT(!slice->in_kernel());
      Append(std::string_view(slice->data() + slice->begin, n));
      other.Drain(n);
    } else {
      other.PopFront();
      other.length_ -= n;
      PushSlice(slice);
      length_ += n;
    }
    size -= n;
  }
}

void Buffer::TakeRun(Buffer& other, size_t skip, size_t size, size_t drop) {
  Slice* const slice = other.head_;
  NUNCIO_ASSERT(!slice->in_kernel());
  if (skip + size + drop < slice->length() || size < slice->capacity / 4) {
    Append(std::string_view(slice->data() + slice->begin + skip, size));
    other.Drain(skip + size + drop);
    return;
  }
  other.PopFront();
  other.length_ -= slice->length();
  slice->begin += static_cast<uint32_t>(skip);
  slice->end -= static_cast<uint32_t>(drop);
  PushSlice(slice);
  length_ += size;
}

bool Buffer::ReadInKernel(int socket, size_t limit, uint64_t* loan, ssize_t* result) {
  if (pool_->pipes().lent(*loan)) return false;
  std::unique_ptr<SplicePipe> pipe = pool_->pipes().Take();
  if (pipe == nullptr) return false;
  *loan = pipe->loan();
  *result = pipe->Fill(socket, limit);
  if (*result > 0) {
    length_ += pipe->length();
    PushSlice(pool_->Wrap(std::move(pipe)));
  } else {
    const int error = errno;
    pool_->pipes().Return(std::move(pipe));
    errno = error;
  }
  return true;
}

ssize_t Buffer::WriteInKernel(int socket) {
  const ssize_t written = head_->pipe()->Empty(socket);
  if (written > 0) Drain(static_cast<size_t>(written));
  return written;
}

void Buffer::Drain(size_t size) {
  length_ -= size;
  while (head_ != nullptr && size >= head_->length()) {
    size -= head_->length();
    pool_->Return(PopFront());
    if (size == 0 && length_ > 0) return;
  }
  if (size > 0) head_->begin += static_cast<uint32_t>(size);
}

void Buffer::Clear() {
  while (head_ != nullptr) pool_->Return(PopFront());
  length_ = 0;
}

std::string_view Buffer::Linearize(size_t size) {
  if (head_ == nullptr || size <= head_->length()) return Front().substr(0, size);
  Slice* joined = pool_->Take(size);
  while (joined->length() < size) {
    Slice* slice = head_;
    NUNCIO_ASSERT(!slice->in_kernel());
    const size_t n = std::min(size - joined->length(), slice->length());
    memcpy(joined->data() + joined->end, slice->data() + slice->begin, n);
    joined->end += static_cast<uint32_t>(n);
    slice->begin += static_cast<uint32_t>(n);
    if (slice->length() == 0) pool_->Return(PopFront());
  }
  joined->next = head_;
  head_ = joined;
  if (tail_ == nullptr) tail_ = joined;
  return Front();
}

void Buffer::Compact() {
  if (head_ == nullptr || head_ != tail_ || head_->in_kernel()) return;
  const size_t used = head_->length();
  if (used * 4 > head_->capacity || head_->capacity <= SlicePool::kSmall) return;
  Slice* slice = pool_->Take(used);
  if (slice->capacity >= head_->capacity) {
    pool_->Return(slice);
    return;
  }
  memcpy(slice->data(), head_->data() + head_->begin, used);
  slice->end = static_cast<uint32_t>(used);
  pool_->Return(head_);
  head_ = tail_ = slice;
}

size_t Buffer::Describe(iovec* out, size_t max) const {
  size_t count = 0;
  for (Slice* s = head_; s != nullptr && count < max && !s->in_kernel(); s = s->next) {
    if (s->length() > 0) out[count++] = {s->data() + s->begin, s->length()};
  }
  return count;
}

void Buffer::CopyOut(void* out, size_t size) const {
  auto* at = static_cast<char*>(out);
  for (const Slice* s = head_; size > 0; s = s->next) {
    NUNCIO_ASSERT(!s->in_kernel());
    const size_t n = std::min(size, s->length());
    memcpy(at, s->data() + s->begin, n);
    at += n;
    size -= n;
  }
}

std::string Buffer::ToString() const {
  std::string out;
  out.reserve(length_);
  ForEachRun([&out](std::string_view run) { out.append(run); });
  return out;
}

}  // namespace nuncio::buffer
